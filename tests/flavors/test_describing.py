"""
What a peer is told of the objects that it may call.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.credentials import Anonymous
from twisted.cred.portal import Portal
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import jelly, pb
from myspread._flavors.describing import DESCRIBER
from myspread.security import SecurityOptions
from myspread.testing import BrokerPair, brokerPair


class Rude:
    """Raises as soon as anybody looks at it."""

    def __repr__(self) -> str:
        raise RuntimeError("don't look")


class Base(pb.Referenceable):
    """Has a method."""

    def remote_inherited(self) -> None:
        """It."""


class Shop(pb.Root, Base):
    """
    A shop.

    Of several lines.
    """

    def __init__(self) -> None:
        self.remote_late = lambda item: item
        self.remote_data = "can't be called"

    def remote_buy(self, fruit: str, count: int = 1, *more: Any, price: float, **notes: str) -> str:
        """
        Buy fruit.

            Indented.
        """
        return fruit

    def remote_undocumented(self, x):  # type: ignore[no-untyped-def]
        return x

    def remote_rude(self, x: Any = Rude()) -> None:  # noqa: B008
        """With a default value that can't be shown."""

    @staticmethod
    def remote_static(a: int) -> None:
        """Static."""

    @classmethod
    def remote_ofClass(cls, a: int) -> None:
        """Of the class."""

    @property
    def remote_property(self) -> Any:
        """Never looked into."""
        raise AssertionError("looked into")

    def local(self) -> None:
        """Can't be called by a peer."""

    def remote_self(self) -> Any:
        """It."""
        return self

    def remote_stock(self) -> Any:
        """An object with a flavor of twisted.spread."""
        return Stock()

    def remote_opinion(self, opinion: Any) -> Any:
        """Give back what the peer has lent."""
        return opinion


class Stock(stock.Referenceable):
    """Of twisted.spread."""

    def remote_hello(self) -> None:
        """Greet."""


class Scene(pb.Viewable):
    """Seen by somebody."""

    def view_look(self, perspective: Any, where: str) -> None:
        """Look somewhere."""


class User(pb.Avatar):
    """Logged in."""

    def perspective_scene(self) -> Any:
        """Something to see."""
        return Scene()


class Realm(pb.Realm):
    """Lets everybody in."""

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The avatar."""
        return pb.IPerspective, User(), lambda: None


def describing(root: Any, security: Any = None) -> BrokerPair:
    """A pair whose server describes."""
    security = pb.SecurityPolicy().allowDescribing() if security is None else security
    return brokerPair(serverFactory=pb.PBServerFactory(root, security=security))


class DescribeTests(SynchronousTestCase):
    """
    L{pb.describe}.
    """

    def described(self, pair: BrokerPair, reference: Any) -> pb.Description:
        """What a peer tells."""
        description: pb.Description = pair.result(pb.describe(reference))
        return description

    def test_root(self) -> None:
        """Each method that a peer can call, with signature and docstring, and none other."""
        pair = describing(Shop())
        description = self.described(pair, pair.root)
        self.assertEqual(description.className, f"{__name__}.Shop")
        self.assertEqual(description.doc, "A shop.\n\nOf several lines.")
        methods = {method.name: (method.signature, method.doc) for method in description.methods}
        self.assertEqual(
            methods,
            {
                "buy": (
                    "(fruit: str, count: int = 1, *more: Any, price: float, **notes: str) -> str",
                    "Buy fruit.\n\n    Indented.",
                ),
                "inherited": ("() -> None", "It."),
                "late": ("(item)", ""),
                "ofClass": ("(a: int) -> None", "Of the class."),
                "opinion": ("(opinion: Any) -> Any", "Give back what the peer has lent."),
                "rude": ("(...)", "With a default value that can't be shown."),
                "self": ("() -> Any", "It."),
                "static": ("(a: int) -> None", "Static."),
                "stock": ("() -> Any", "An object with a flavor of twisted.spread."),
                "undocumented": ("(x)", ""),
            },
        )
        self.assertEqual([method.name for method in description.methods], sorted(methods))

    def test_flavors(self) -> None:
        """References of all flavors, those of twisted.spread too."""
        pair = describing(Shop())
        stockOne = pair.result(pair.root.callRemote("stock"))
        self.assertEqual([each.name for each in self.described(pair, stockOne).methods], ["hello"])
        itself = pair.result(pair.root.callRemote("self"))
        self.assertEqual(self.described(pair, itself), self.described(pair, pair.root))

    def test_login(self) -> None:
        """Before a login nothing is told; then avatars and views are described."""
        pair = describing(Portal(Realm(), [AllowAnonymousAccess()]))
        self.assertRaises(pb.InsecureJelly, pair.result, pb.describe(pair.root))
        self.assertEqual(len(self.flushLoggedErrors(pb.InsecureJelly)), 1)
        avatar = pair.result(pair.clientFactory.login(Anonymous()))
        description = self.described(pair, avatar)
        self.assertEqual((description.doc, description.methods[0].name), ("Logged in.", "scene"))
        scene = self.described(pair, pair.result(avatar.callRemote("scene")))
        self.assertEqual(
            scene.methods, (pb.MethodDescription("look", "(where: str) -> None", "Look somewhere."),)
        )

    def test_default(self) -> None:
        """By default a server describes nothing, and logs nothing of being asked."""
        for security in (None, pb.SecurityPolicy(), SecurityOptions()):
            pair = brokerPair(serverFactory=pb.PBServerFactory(Shop(), security=security))
            error = self.assertRaises(pb.NotDescribed, pair.result, pb.describe(pair.root))
            self.assertIn("SecurityPolicy.allowDescribing() does", str(error))
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertFalse(pb.globalSecurity.describing)

    def test_options(self) -> None:
        """The policies of twisted.spread's kind have it too."""
        options = SecurityOptions()
        options.allowBasicTypes()
        options.describing = True
        self.assertTrue(pb.SecurityPolicy.fromOptions(options).describing)
        options.allowTypes("local", "remote")
        pair = describing(Shop(), options)
        self.assertEqual(self.described(pair, pair.root).className, f"{__name__}.Shop")

    def test_large(self) -> None:
        """However much there is to tell, the answer has bounds."""
        names = {f"remote_m{number}": lambda self: None for number in range(2000)}
        documented = type("Large", (pb.Root,), {**names, "__doc__": "x" * 100_000})
        pair = describing(documented())
        description = self.described(pair, pair.root)
        self.assertEqual((len(description.methods), len(description.doc)), (500, 4003))

    def test_notLent(self) -> None:
        """Who asks about something else than an object of ours gets an error."""
        pair = describing(Shop())
        describer = pair.client.remoteForName(DESCRIBER)
        for value in (1, "root", None, pb.Referenceable()):
            answer = pair.result(describer.callRemote("describe", value))
            self.assertEqual(answer["methods"], [])

    def test_wrongAnswers(self) -> None:
        """What a server calls a description may be anything."""

        class Liar(pb.Referenceable):
            """Says what it is told to."""

            answer: Any = None

            def remote_describe(self, target: Any) -> Any:
                """Lie."""
                return self.answer

        pair = brokerPair(Shop())
        liar = Liar()
        pair.server.setNameForLocal(DESCRIBER, liar)
        for liar.answer in (None, {}, {"methods": [1]}, {"methods": [], "class": 1, "doc": ""}):
            self.assertRaises(jelly.InsecureJelly, pair.result, pb.describe(pair.root))
