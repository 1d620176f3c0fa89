"""
What a peer can't reach: private names, other connections, the insides of objects.
"""

from __future__ import annotations

import gc
import io
from contextlib import redirect_stderr
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.testing import brokerPair
from tests.peer.wire import Wire, arguments, call


class Extra:
    """A mixin with a method for peers."""

    def remote_extra(self) -> str:
        """From a mixin."""
        return "extra"


class Copied(pb.RemoteCopy):
    """What a copy becomes."""

    level = "class"

    def isAllowed(self) -> bool:
        """A method that no state should stand in for unnoticed."""
        return False


class Cached(pb.RemoteCache):
    """What a cache becomes; it doesn't take every state."""

    def setCacheableState(self, state: Any) -> None:
        self.__dict__.update(state)
        if "refused" in state:
            raise pb.Error("refused")


class Lent(pb.Referenceable):
    """An object that is lent."""


class Scene:
    """Seen by somebody."""

    def view_who(self, perspective: Any, *args: Any) -> Any:
        """Whom it is called for."""
        return [perspective, *args]


class Desk(Extra, pb.Root):
    """Keeps what it gets."""

    __secret = "mangled"

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def remote_keep(self, value: Any) -> str:
        """Keep C{value}."""
        self.kept.append(value)
        return type(value).__name__

    def remote_lend(self) -> Any:
        """An object to call."""
        return Lent()

    def remote_view(self) -> Any:
        """A view, for ann."""
        return pb.ViewPoint("ann", Scene())


POLICY = pb.SecurityPolicy().allowUnjellyable("tests.Copied", Copied).allowUnjellyable("tests.Cached", Cached)


def state(**fields: Any) -> list[Any]:
    """A state as it travels."""
    return [b"dictionary", *([[b"unicode", name.encode()], form] for name, form in fields.items())]


class DoorTests(SynchronousTestCase):
    """
    A server with a policy of its own, and a peer that tries everything.
    """

    def setUp(self) -> None:
        """A server."""
        self.desk = Desk()
        self.wire = Wire(self.desk, pb.Broker(False, POLICY))

    def tearDown(self) -> None:
        """What goes wrong here is meant to."""
        gc.collect()
        self.flushLoggedErrors()

    def answer(self, *message: Any) -> Any:
        """Command and content of the answer."""
        (command, _, content), *_ = self.wire.exchange(*message)
        return command, content

    def kept(self, form: Any) -> Any:
        """What becomes of a form."""
        self.assertEqual(self.answer(call(1, b"keep", form))[0], b"answer")
        return self.desk.kept.pop()

    def test_mixins(self) -> None:
        """Methods with the prefix are for peers, wherever the class has them from."""
        self.assertEqual(self.answer(call(1, b"extra")), (b"answer", [b"unicode", b"extra"]))

    def test_mangled(self) -> None:
        """Names that Python mangles aren't found under any name."""
        for name in (b"__secret", b"_Desk__secret", b"_secret"):
            self.assertEqual(self.answer(call(1, name))[0], b"error")

    def test_perspective(self) -> None:
        """The perspective of a view is ours; nothing that is sent stands in for it."""
        _, (_, view) = self.answer(call(1, b"view"))
        who = [b"message", 2, view, b"who", 1, arguments([b"unicode", b"bob"])]
        ann = [b"list", [b"unicode", b"ann"], [b"unicode", b"bob"]]
        self.assertEqual(self.answer([*who, [b"dictionary"]]), (b"answer", ann))
        self.assertEqual(self.answer([*who, state(perspective=[b"unicode", b"bob"])])[0], b"error")

    def test_python(self) -> None:
        """A state sets no name that means something to Python."""
        names = (
            "__class__",
            "__dict__",
            "__init__",
            "__reduce__",
            "__getattribute__",
            "__doc__",
            "__module__",
        )
        for fields in (dict.fromkeys(names, 5), dict.fromkeys(names, [b"remote", 5])):
            copy = self.kept([b"tests.Copied", state(**fields, level=5)])
            self.assertIs(type(copy), Copied)
            self.assertIs(copy.__class__, Copied)
            self.assertEqual(vars(copy), {"level": 5})
        old = self.kept([b"tests.Copied", [b"dictionary", [b"__class__", 5], [b"level", 5]]])
        self.assertEqual(vars(old), {"level": 5})

    def test_others(self) -> None:
        """All other names are set, as with C{twisted.spread}: classes that trust nobody check them."""
        fields = {"_private": 1, "broker": 2, "isAllowed": 3, "__orig_class__": 4, "a b": 5}
        self.assertEqual(vars(self.kept([b"tests.Copied", state(**fields)])), fields)

    def test_cache(self) -> None:
        """The broker of a cache is ours, whatever its state says, and even if it is refused."""
        forged = {"broker": 5, "luid": [b"unicode", b"x"], "_borgify": 5}
        cache = self.kept([b"tests.Cached", 70, state(**forged)])
        self.assertIs(cache.broker, self.wire.broker)
        self.assertEqual(cache.luid, 70)
        del cache
        gc.collect()
        self.assertEqual(self.wire.received(), [[b"decache", 70]])
        with redirect_stderr(io.StringIO()) as complaints:
            self.assertEqual(
                self.answer(call(1, b"keep", [b"tests.Cached", 71, state(**forged, refused=1)]))[0], b"error"
            )
            gc.collect()
        self.assertEqual(complaints.getvalue(), "")

    def test_otherConnections(self) -> None:
        """What is lent or cached on one connection can't be named on another."""
        factory = pb.PBServerFactory(self.desk)
        first, second = brokerPair(serverFactory=factory), brokerPair(serverFactory=factory)
        luid = first.result(first.root.callRemote("lend")).luid
        second.client.sendCall(
            b"message", 5, b"root", b"keep", 1, arguments([b"local", luid]), [b"dictionary"]
        )
        second.client.sendCall(b"decref", luid)
        second.flush()
        self.assertEqual(self.desk.kept, [None])
        self.assertIn(luid, first.server.localObjects)

    def test_noCache(self) -> None:
        """An update of what an application keeps in place of a cache, and can't be updated, fails."""
        self.wire.broker.cacheLocally(80, object())
        message = [b"cachemessage", 1, 80, b"x", 1, arguments(), [b"dictionary"]]
        self.assertEqual(self.answer(message)[0], b"error")

    def test_refusedArguments(self) -> None:
        """References in arguments that are refused are given back as soon as the error is forgotten."""
        form = [b"list", [b"remote", 5], [b"remote", 6], [b"nonsense", 5]]
        received = self.wire.exchange(call(1, b"keep", form))
        # The tests keep what is logged.
        self.flushLoggedErrors(pb.InsecureJelly)
        gc.collect()
        received += self.wire.received()
        self.assertEqual([each[0] for each in received], [b"error", b"decref", b"decref"])
        self.assertEqual(sorted(each[1] for each in received[1:]), [5, 6])
