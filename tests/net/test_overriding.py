"""
Tests for what applications override in a broker: it gets lists, as in stock.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._codec import PB
from myspread.testing import brokerPair
from tests.peer.wire import CALL, NO_KEYWORDS, Wire, arguments, call

ANSWER = [b"answer", 1, 5]


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class Recording(pb.Broker):
    """Records what passes through each method that may be overridden, and passes it on."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.passed: list[Any] = []

    def expressionReceived(self, sexp: Any) -> None:
        """A message arrives."""
        self.passed.append(("expressionReceived", sexp))
        super().expressionReceived(sexp)

    def proto_message(self, *fields: Any) -> None:
        """A call arrives."""
        self.passed.append(("proto_message", fields))
        super().proto_message(*fields)

    def proto_answer(self, *fields: Any) -> None:
        """An answer arrives."""
        self.passed.append(("proto_answer", fields))
        super().proto_answer(*fields)

    def sendCall(self, *exp: Any) -> None:
        """A message leaves."""
        self.passed.append(("sendCall", exp))
        super().sendCall(*exp)

    def sendEncoded(self, obj: Any) -> None:
        """An expression leaves."""
        self.passed.append(("sendEncoded", obj))
        super().sendEncoded(obj)

    def serialize(self, object: Any, *args: Any, **kw: Any) -> Any:
        """Something becomes an expression."""
        sexp = super().serialize(object, *args, **kw)
        self.passed.append(("serialize", object, sexp))
        return sexp

    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        """An expression becomes something."""
        self.passed.append(("unserialize", sexp))
        return super().unserialize(sexp, perspective)


class OverridingTests(TestCase):
    """
    Every message passes through the methods that stock has for it.
    """

    def test_server(self) -> None:
        """A call and its answer, on the side that is called."""
        wire = Wire(Echo(), Recording(False))
        wire.broker.passed.clear()
        self.assertEqual(wire.exchange(CALL), [ANSWER])
        self.assertEqual(
            wire.broker.passed,
            [
                ("expressionReceived", CALL),
                ("proto_message", tuple(CALL[1:])),
                ("unserialize", arguments(5)),
                ("unserialize", NO_KEYWORDS),
                ("serialize", 5, 5),
                ("sendCall", (b"answer", 1, 5)),
                ("sendEncoded", (b"answer", 1, 5)),
            ],
        )

    def test_client(self) -> None:
        """A call and its answer, on the side that calls."""
        wire = Wire(broker=Recording(True))
        wire.broker.passed.clear()
        result = wire.broker.remoteForName("root").callRemote("echo", 5)
        self.assertEqual(wire.received(), [CALL])
        wire.send(ANSWER)
        self.assertEqual(self.successResultOf(result), 5)
        message = tuple(CALL)
        self.assertEqual(
            wire.broker.passed[2:],
            [
                ("sendCall", message),
                ("sendEncoded", message),
                ("expressionReceived", ANSWER),
                ("proto_answer", (1, 5)),
                ("unserialize", 5),
            ],
        )
        serialized = [each[1:] for each in wire.broker.passed[:2]]
        self.assertEqual(serialized, [((5,), arguments(5)), ({}, NO_KEYWORDS)])

    def test_changing(self) -> None:
        """A subclass may change what passes."""

        class Doubling(pb.Broker):
            def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
                value = super().unserialize(sexp, perspective)
                return tuple(each * 2 for each in value) if isinstance(value, tuple) else value

            def proto_answer(self, requestID: Any, netResult: Any) -> None:
                super().proto_answer(requestID, netResult + 1)

        class ServerFactory(pb.PBServerFactory):
            protocol = Doubling

        class ClientFactory(pb.PBClientFactory):
            protocol = Doubling

        pair = brokerPair(serverFactory=ServerFactory(Echo()), clientFactory=ClientFactory())
        self.assertEqual(pair.result(pair.root.callRemote("echo", 5)), 11)

    def test_swallowing(self) -> None:
        """A subclass may keep a message to itself."""

        class Deaf(pb.Broker):
            def expressionReceived(self, sexp: Any) -> None:
                if sexp[0] != b"message":
                    super().expressionReceived(sexp)

        wire = Wire(Echo(), Deaf(False))
        self.assertEqual(wire.exchange(CALL, [b"hello"]), [[b"didNotUnderstand", b"hello"]])

    def test_localObjectForID(self) -> None:
        """A subclass may find objects in its own way."""

        class Anything(pb.Broker):
            def localObjectForID(self, luid: Any) -> Any:
                return Echo()

        wire = Wire(broker=Anything(False))
        self.assertEqual(wire.exchange([*CALL[:2], b"whatever", *CALL[3:]]), [ANSWER])

    def test_flavor(self) -> None:
        """A flavor that overrides C{remoteMessageReceived} gets the arguments as lists."""
        got: list[Any] = []

        class Raw(pb.Root):
            def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
                got.append((message, args, kw))
                return broker.serialize("done")

        self.assertEqual(Wire(Raw()).exchange(CALL), [[b"answer", 1, [b"unicode", b"done"]]])
        self.assertEqual(got, [("echo", arguments(5), NO_KEYWORDS)])

    def test_instance(self) -> None:
        """
        A method of one broker is overridden while it is in use, and no longer.
        """
        wire = Wire(Echo())
        nested = call(1, b"echo", [b"list", 1])
        for _ in range(2):
            self.assertEqual(wire.exchange(nested), [[b"answer", 1, [b"list", 1]]])
        got: list[Any] = []
        original = wire.broker.unserialize

        def unserialize(sexp: Any, perspective: Any = None) -> Any:
            got.append(sexp)
            return original(sexp, perspective)

        wire.broker.unserialize = unserialize
        self.assertEqual(wire.exchange(nested), [[b"answer", 1, [b"list", 1]]])
        self.assertEqual(got, [arguments([b"list", 1]), NO_KEYWORDS])
        del wire.broker.unserialize
        self.assertEqual(wire.exchange(nested), [[b"answer", 1, [b"list", 1]]])
        self.assertEqual(len(got), 2)

    def test_subclass(self) -> None:
        """A subclass of a subclass overrides by itself, before its first broker is used."""
        got: list[Any] = []

        class Plain(pb.Broker):
            """Overrides nothing."""

        class Looking(Plain):
            """Will override C{serialize}."""

        self.assertEqual(Wire(Echo(), broker=Plain(False)).exchange(CALL), [ANSWER])

        def serialize(self: Any, *args: Any, **kw: Any) -> Any:
            sexp = pb.Broker.serialize(self, *args, **kw)
            got.append(sexp)
            return sexp

        Looking.serialize = serialize  # type: ignore[method-assign]
        self.assertEqual(Wire(Echo(), broker=Looking(False)).exchange(CALL), [ANSWER])
        self.assertEqual(got, [5])

    def test_classOfOthers(self) -> None:
        """A class that has had connections is changed, as tests do: the next one sees it, and its end."""
        got: list[Any] = []

        class Plain(pb.Broker):
            """Overrides nothing yet."""

        def expressionReceived(self: Any, sexp: Any) -> None:
            got.append(sexp)
            pb.Broker.expressionReceived(self, sexp)

        self.assertEqual(Wire(Echo(), Plain(False)).exchange(CALL), [ANSWER])
        Plain.expressionReceived = expressionReceived  # type: ignore[method-assign]
        self.assertEqual(Wire(Echo(), Plain(False)).exchange(CALL), [ANSWER])
        self.assertEqual(got, [[b"version", 6], CALL])
        del Plain.expressionReceived
        self.assertIsNotNone(Wire(Echo(), Plain(False)).broker.plainEncoder())

    def test_whileCallsWait(self) -> None:
        """What is overridden while a call waits for its result sees that one as lists."""

        class Waiting(pb.Root):
            def remote_wait(self) -> Deferred[Any]:
                return result

        result: Deferred[Any] = Deferred()
        got: list[Any] = []
        wire = Wire(Waiting())
        wire.send(call(1, b"wait"))
        wire.broker.sendCall = lambda *exp: got.append(exp)
        result.callback([5])
        self.assertEqual(got, [(b"answer", 1, [b"list", 5])])

    def test_onceConnected(self) -> None:
        """Who is told of the connection overrides something: even the version is seen that is there."""
        for isClient, first in ((False, b"pb"), (True, [b"pb", b"none"])):
            broker: Any = pb.Broker(isClient)
            got: list[Any] = []

            def override(broker: Any = broker, got: list[Any] = got) -> None:
                broker.proto_version = got.append

            broker.notifyOnConnect(override)
            Wire(broker=broker, greet=False).send(first, [b"version", 6])
            self.assertEqual(got, [6], isClient)


class ContextTests(TestCase):
    """
    What a broker says about the object that is being converted.
    """

    def test_serializing(self) -> None:
        """Perspective, method and arguments are those of the innermost object, and None afterwards."""
        seen: list[Any] = []

        class Looking(pb.Copyable):
            def getStateToCopyFor(self, perspective: Any) -> Any:
                context = broker.jellyMethod, broker.jellyArgs, broker.jellyKw
                seen.append((broker.serializingPerspective, *context))
                if perspective == "outer":
                    broker.serialize(Looking(), "inner", "innerMethod", 1, 2)
                    seen.append((broker.serializingPerspective, broker.jellyMethod))
                return {}

        broker: Any = Wire().broker
        broker.serialize(Looking(), "outer", "outerMethod", 3, 4)
        self.assertEqual(
            seen,
            [("outer", "outerMethod", 3, 4), ("inner", "innerMethod", 1, 2), ("outer", "outerMethod")],
        )
        self.assertIsNone(broker.serializingPerspective)
        self.assertIsNone(broker.jellyMethod)

    def test_unserializing(self) -> None:
        """References know for whom they were received."""
        broker = Wire().broker
        reference = broker.unserialize([b"remote", 5], "me")
        self.assertEqual(reference.perspective, "me")
        self.assertIsNone(broker.unserializingPerspective)


class StateTests(TestCase):
    """
    Where a broker keeps what it knows.
    """

    def test_slots(self) -> None:
        """What is in slots begins as what it stands for in all connections."""
        broker: Any = pb.Broker(False)
        without = set()
        for name in pb.Broker.__slots__:
            defaults = [vars(base)[name] for base in pb.Broker.__mro__[1:] if name in vars(base)]
            if defaults:
                self.assertEqual(getattr(broker, name), defaults[0], name)
            else:
                without.add(name)
        self.assertEqual(without, {"_encoder", "_peer", "disconnected", "isClient"})

    def test_dictionary(self) -> None:
        """What is looked through doesn't grow with what arrives and is sent."""
        pair = brokerPair(Echo())
        sides = pair.server, pair.client
        before = [set(vars(each)) for each in sides]
        self.assertEqual(pair.result(pair.root.callRemote("echo", [5])), [5])
        self.assertEqual(
            [set(vars(each)) - old for each, old in zip(sides, before, strict=True)], [set()] * 2
        )

    def test_empty(self) -> None:
        """A dictionary with nothing in it doesn't hide what a class overrides."""

        class Quiet(pb.Broker):
            def sendCall(self, *exp: Any) -> None:
                """Nothing is sent."""

        for overrides, broker in ((False, pb.Broker(False)), (True, Quiet(False))):
            self.assertEqual(vars(broker), {})
            broker._dialect = PB
            self.assertIs(broker.plainEncoder() is None, overrides)

    def test_subclass(self) -> None:
        """Classes of applications have what they like, along with other bases."""

        class Counter:
            count = 0

        class Mixed(pb.Broker, Counter):
            clock = None
            together = None

            def __init__(self, *args: Any, **kw: Any) -> None:
                super().__init__(*args, **kw)
                self.count = 3
                self.label = "mine"

        wire = Wire(Echo(), Mixed(False))
        self.assertEqual(wire.exchange(CALL), [ANSWER])
        self.assertEqual((wire.broker.count, wire.broker.label), (3, "mine"))
        wire.broker.__class__ = pb.Broker
        self.assertEqual(wire.exchange(CALL), [ANSWER])
