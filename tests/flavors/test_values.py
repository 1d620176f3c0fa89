"""
Classes that travel by value.
"""

from __future__ import annotations

import gc
import pickle
from dataclasses import InitVar, dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import attrs
from twisted.spread import jelly as stockJelly
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly, MalformedJelly, NotJellyable
from myspread._jelly import defaultRegistry, jelly, unjelly
from myspread.interfaces import IJellyable, IUnjellyable
from myspread.security import LOGIN_POLICY
from myspread.testing import brokerPair
from tests.flavors import observatory
from tests.flavors.observatory import (
    CLASSES,
    Band,
    Catalogue,
    Colour,
    Filters,
    Magnitude,
    Mode,
    Mount,
    Night,
    Observer,
    Place,
    Pointing,
    Reading,
    Series,
    Star,
    pairFor,
)
from tests.jelly.shapes import Invoker

POLICY = pb.SecurityPolicy().allowValue(*CLASSES)

VALUES: list[Any] = [
    Reading("Vega", 0.03, ("variable",)),
    Magnitude(1.5),
    Star("Sirius", [Star("Sirius B")]),
    Series("Mira", readings=[Reading("Mira", 3.0), Reading("Mira", 9.5)]),
    Series("Algol", first=Reading("Algol")),
    Night("2026-11-21"),
    Catalogue("NGC", {"entries": 7840}),
    Place(51.5, -0.1),
    Mount("fork", 3, [Mount("pier")]),
    Pointing(45.0),
    Colour.RED,
    Colour.BLUE,
    Colour.DARK,
    Band.V,
    Mode.DEEP,
    Filters.HALPHA | Filters.SII,
    Filters(0),
    Observer.READS | Observer.WRITES,
    # The bits of numbers may have no names.
    Observer(64),
]


def made(tag: str, state: Any, policy: pb.SecurityPolicy = POLICY) -> Any:
    """What becomes of a state, in a list: paths then have a step."""
    return unjelly([b"list", [tag.encode(), jelly(state)]], policy, None, Invoker())[0]


class RoundTripTests(SynchronousTestCase):
    """
    What is sent arrives.
    """

    def echo(self, value: Any, *classes: type) -> Any:
        """What comes back."""
        pair = pairFor(*(classes or CLASSES))
        return pair.result(pair.root.callRemote("echo", value))

    def test_values(self) -> None:
        """Every kind of value arrives as an equal one of its class."""
        for value in VALUES:
            result = self.echo(value)
            self.assertEqual(result, value)
            self.assertIs(type(result), type(value))

    def test_globalSecurity(self) -> None:
        """The process-wide policy permits all that is declared."""
        pair = brokerPair(observatory.Echo())
        self.assertEqual(pair.result(pair.root.callRemote("echo", VALUES)), VALUES)

    def test_inContainers(self) -> None:
        """Values may be elements and, if they have a hash, keys and members."""
        hashable: list[Any] = [Reading("Vega"), Magnitude(1.0), Place(1.0), Colour.RED, Band.U, Pointing(3.0)]
        value = {
            "list": VALUES,
            "keys": dict.fromkeys(hashable, 1),
            "set": set(hashable),
            "t": (Band.U, [Mode.FAST]),
        }
        result = self.echo(value)
        self.assertEqual(result, value)
        self.assertEqual([type(key) for key in result["keys"]], list(map(type, hashable)))

    def test_keywords(self) -> None:
        """They may be keyword arguments."""
        pair = pairFor(Reading)
        self.assertEqual(pair.result(pair.root.callRemote("echo", value=Reading("x"))), Reading("x"))

    def test_members(self) -> None:
        """Members of enumerations are themselves."""
        for member in (Colour.RED, Colour.CRIMSON, Colour.DARK, Band.V, Mode.FAST):
            self.assertIs(self.echo(member), member)

    def test_identity(self) -> None:
        """What is one object in a message arrives as one; in another message it is another."""
        for value in (Reading("Vega"), Star("Vega"), Place(1.0), Mount("x")):
            first, second, inside = self.echo([value, value, {"x": value}])
            self.assertIs(first, second)
            self.assertIs(inside["x"], first)
        pair = pairFor(Star)
        star = Star("Vega")
        results = [pair.result(pair.root.callRemote("echo", star)) for _ in range(2)]
        self.assertIsNot(results[0], results[1])

    def test_circles(self) -> None:
        """Objects that exist before their fields do may refer to each other."""
        sun = Star("Sun")
        sun.companions.append(Star("Nemesis", primary=sun))
        result = self.echo(sun)
        self.assertIs(result.companions[0].primary, result)
        mount = Mount("fork")
        mount.parts.append(mount)
        again = self.echo(mount)
        self.assertIs(again.parts[0], again)

    def test_immutableInCircle(self) -> None:
        """An immutable value may be part of a circle, if something else in it isn't immutable."""

        @pb.value("observatory.Orbit")
        @dataclass(frozen=True)
        class Orbit:
            centre: Any

        star = Star("Sun")
        star.companions.append(Orbit(star))  # type: ignore[arg-type]
        policy = pb.SecurityPolicy().allowValue(Orbit)
        unchecked = self.uncheckedStar()
        form = jelly(star, invoker=Invoker())
        result = unjelly(form, policy.allowUnjellyable("observatory.Star", unchecked), None, Invoker())
        self.assertIs(result.companions[0].centre, result)

    def uncheckedStar(self) -> type:
        """A class of stars that takes anything."""

        @pb.value("observatory.AnyStar", checked=False)
        @dataclass
        class AnyStar(Star):
            pass

        return AnyStar

    def test_immutableCircle(self) -> None:
        """A circle of immutable values can't be made: nobody gets to see one without its fields."""

        @pb.value("observatory.Ring")
        @dataclass(frozen=True, eq=False)
        class Ring:
            parts: list[Any]

        ring = Ring([])
        ring.parts.append(ring)
        form = jelly(ring, invoker=Invoker())
        error = self.assertRaises(
            MalformedJelly, unjelly, form, pb.SecurityPolicy().allowValue(Ring), None, Invoker()
        )
        self.assertIn("never gets made", str(error))

    def test_notInitialised(self) -> None:
        """A field that isn't set doesn't travel."""

        @pb.value("observatory.Plate")
        @dataclass
        class Plate:
            exposure: float
            spectrum: str = field(init=False)

        plate = Plate(30.0)
        self.assertEqual(self.echo(plate, Plate).__dict__, {"exposure": 30.0})
        plate.spectrum = "A0"
        self.assertEqual(self.echo(plate, Plate), plate)

    def test_fieldsTheConstructorDoesNotTake(self) -> None:
        """They are set afterwards."""
        series = Series("Mira", first=Reading("Mira"))
        self.assertEqual(self.echo(series).count, 1)

    def test_without(self) -> None:
        """A field that stays here isn't sent, and isn't taken."""
        night = Night("today", lambda: "clear")
        self.assertEqual(self.echo(night).weather(), "unknown")
        self.assertEqual(made("observatory.Night", {"date": "x", "weather": 5}).weather(), "unknown")

    def test_cacheState(self) -> None:
        """They may be part of what is cached."""

        class Sky(pb.Cacheable):
            def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
                self.observer = observer
                return {"reading": Reading("Vega"), "colour": Colour.RED}

        class RemoteSky(pb.RemoteCache):
            updates: tuple[Any, ...] = ()

            def observe_update(self, *args: Any) -> None:
                self.updates = args

        class SkyRoot(pb.Root):
            sky = Sky()

            def remote_get(self) -> Sky:
                return self.sky

        policy = pb.SecurityPolicy().allowValue(Reading, Colour).allowUnjellyable(Sky, RemoteSky)
        root = SkyRoot()
        pair = brokerPair(root, clientFactory=pb.PBClientFactory(security=policy))
        sky = pair.result(pair.root.callRemote("get"))
        self.assertEqual((sky.reading, sky.colour), (Reading("Vega"), Colour.RED))
        pair.result(root.sky.observer.callRemote("update", Reading("Deneb"), Colour.BLUE))
        self.assertEqual(sky.updates, (Reading("Deneb"), Colour.BLUE))

    def test_manyFit(self) -> None:
        """A hundred values inside each other travel, and very many beside each other."""
        star = Star("0")
        for number in range(100):
            star = Star(str(number), [star])
        self.assertEqual(self.echo(star), star)
        readings = [Reading(str(number), float(number)) for number in range(5000)]
        self.assertEqual(self.echo(readings), readings)

    def test_nestedTooDeeply(self) -> None:
        """A longer chain is refused by the one who sends it."""
        star = Star("0")
        for number in range(3000):
            star = Star(str(number), [star])
        pair = pairFor(Star)
        self.assertRaises(pb.InsecureJelly, pair.result, pair.root.callRemote("echo", star))

    def test_deepForms(self) -> None:
        """A form that is nested very deeply is made where it can be, and refused where not."""
        chained: Any = jelly(None)
        linked: Any = jelly(None)
        for _ in range(3000):
            chained = [
                b"observatory.Star",
                [b"dictionary", [b"name", [b"unicode", b"x"]], [b"primary", chained]],
            ]
            linked = [b"observatory.Link", [b"dictionary", [b"next", linked]]]

        @pb.value("observatory.Link")
        @dataclass(frozen=True, eq=False)
        class Link:
            next: Any

        policy = POLICY.allowValue(Link)
        error = self.assertRaises(MalformedJelly, unjelly, chained, policy, None, Invoker())
        self.assertIn("nested too deeply", str(error))
        self.assertIsInstance(unjelly(linked, policy, None, Invoker()), Link)

    def test_nothingIsKept(self) -> None:
        """What was received isn't held by anything."""
        pair = pairFor(Star)
        pair.result(pair.root.callRemote("echo", Star("Nova")))
        pair.result(pair.root.callRemote("echo", None))
        gc.collect()
        self.assertEqual(
            [
                each
                for each in gc.get_objects()
                if isinstance(each, Star) and getattr(each, "name", None) == "Nova"
            ],
            [],
        )


class WireTests(SynchronousTestCase):
    """
    The forms, which are those of copies.
    """

    def form(self, value: Any) -> Any:
        """What is sent."""
        return jelly(value, POLICY, None, Invoker())

    def test_asCopyable(self) -> None:
        """Tag and dictionary, to the byte what a copy with these attributes is."""

        class Copy(pb.Copyable):
            typeToCopy = "observatory.Reading"

            def getTypeToCopy(self) -> str:
                return "observatory.Reading"

        copy = Copy()
        copy.__dict__ = {"star": "Vega", "magnitude": 0.5, "flags": ()}
        self.assertEqual(self.form(Reading("Vega", 0.5)), self.form(copy))

    def test_namedTuple(self) -> None:
        """A named tuple travels with its names."""
        self.assertEqual(
            self.form(Place(1.0, 2.0)),
            [
                b"observatory.Place",
                [b"dictionary", [[b"unicode", b"latitude"], 1.0], [[b"unicode", b"longitude"], 2.0]],
            ],
        )

    def test_members(self) -> None:
        """Members travel by name, with their value if it is plain; flags by value."""
        states = [
            unjelly(self.form(member)[1]) for member in (Colour.BLUE, Colour.DARK, Band.V, Filters.OIII)
        ]
        self.assertEqual(
            states,
            [{"name": "BLUE", "value": "b"}, {"name": "DARK"}, {"name": "V", "value": 2}, {"value": 2}],
        )

    def test_version(self) -> None:
        """The first version isn't told."""

        @pb.value("observatory.Dome", version=3)
        @dataclass
        class Dome:
            open: bool

        self.assertEqual(unjelly(self.form(Dome(True))[1]), {"open": True, "__version__": 3})
        self.assertNotIn("__version__", unjelly(self.form(Reading("x"))[1]))

    def test_stockReads(self) -> None:
        """C{twisted.spread} makes of it what is registered for the tag there."""
        registry: dict[bytes, Any] = stockJelly.unjellyableRegistry  # type: ignore[assignment]
        self.patch(stockJelly, "unjellyableRegistry", {**registry, b"observatory.Place": pb.RemoteCopy})
        copy = stockJelly.unjelly(self.form(Place(1.0, 2.0)), stockJelly.globalSecurity, None, Invoker())
        self.assertEqual(copy.__dict__, {"latitude": 1.0, "longitude": 2.0})

    def test_alone(self) -> None:
        """Without a broker, L{jelly} and L{unjelly} carry them as well."""
        for value in VALUES:
            self.assertEqual(unjelly(jelly(value), POLICY), value)


class VersionTests(SynchronousTestCase):
    """
    Programs of different versions.
    """

    def test_missing(self) -> None:
        """Fields that are missing get their defaults."""
        self.assertEqual(made("observatory.Reading", {"star": "Vega"}), Reading("Vega"))
        self.assertEqual(made("observatory.Star", {"name": "x"}), Star("x"))
        self.assertEqual(made("observatory.Mount", {"kind": "x"}), Mount("x"))
        self.assertEqual(made("observatory.Place", {"latitude": 1.0}), Place(1.0))

    def test_missingWithoutDefault(self) -> None:
        """One that has none is named."""
        error = self.assertRaises(MalformedJelly, made, "observatory.Reading", {"magnitude": 1.0})
        self.assertEqual(
            str(error), "value[0]: Reading needs the field star, which is missing and has no default"
        )
        for state in (None, {}):
            self.assertRaises(MalformedJelly, made, "observatory.Star", state)

    def test_unknown(self) -> None:
        """Fields that a newer program has are ignored."""
        state = {"star": "Vega", "parallax": 0.13, "__version__": 7, 5: "no name"}
        self.assertEqual(made("observatory.Reading", state), Reading("Vega"))

    def test_extras(self) -> None:
        """Or kept, and sent again."""
        catalogue = made("observatory.Catalogue", {"title": "M", "entries": 110, "epoch": "J2000"})
        self.assertEqual(catalogue.others, {"entries": 110, "epoch": "J2000"})
        form = jelly(catalogue, POLICY, None, Invoker())
        self.assertEqual(unjelly(form[1]), {"entries": 110, "epoch": "J2000", "title": "M"})

    def test_extrasCannotReplace(self) -> None:
        """What is kept doesn't hide a field, and its field can't be sent."""
        catalogue = made("observatory.Catalogue", {"title": "M", "others": 5})
        self.assertEqual(catalogue, Catalogue("M"))
        catalogue.others["title"] = "forged"
        self.assertEqual(unjelly(jelly(catalogue, POLICY, None, Invoker())[1]), {"title": "M"})

    def test_upgrade(self) -> None:
        """The state of an older version is brought up to date, once."""
        asked = []

        def upgrade(state: dict[str, Any], version: int) -> dict[str, Any]:
            asked.append(version)
            return {"aperture": state["inches"] * 25.4}

        @pb.value("observatory.Telescope", version=3, upgrade=upgrade)
        @dataclass(frozen=True)
        class Telescope:
            aperture: float

        policy = pb.SecurityPolicy().allowValue(Telescope)
        for state in ({"inches": 10}, {"inches": 10, "__version__": 2}):
            self.assertEqual(made("observatory.Telescope", state, policy), Telescope(254.0))
        for version in (3, 4):
            state = {"aperture": 1.0, "__version__": version}
            self.assertEqual(made("observatory.Telescope", state, policy), Telescope(1.0))
        self.assertEqual(asked, [1, 2])
        error = self.assertRaises(MalformedJelly, made, "observatory.Telescope", {}, policy)
        self.assertEqual(
            str(error),
            "value[0]: version 1 of observatory.Telescope can't be upgraded to 3: KeyError('inches')",
        )

    def test_oldAndNew(self) -> None:
        """Two programs with two versions of a class talk to each other."""

        @pb.value("observatory.Log")
        @dataclass
        class Old:
            text: str

        @pb.value("observatory.Log", version=2, upgrade=lambda state, version: {**state, "level": "old"})
        @dataclass
        class New:
            text: str
            level: str = "info"

        policies = [pb.SecurityPolicy().allowValue(each) for each in (Old, New)]
        for server, client, sent, received in (
            (*policies, New("x"), Old("x")),
            (*reversed(policies), Old("x"), New("x", "old")),
        ):
            pair = pairFor(server=server, client=client)
            self.assertIsInstance(pair.result(pair.root.callRemote("echo", sent)), type(sent))
            self.assertEqual(pair.serverFactory.root.received, received)

    def test_malformedVersion(self) -> None:
        """A version is a number."""
        for version in ("2", 0, -1, 1.5, True, None):
            error = self.assertRaises(
                MalformedJelly, made, "observatory.Reading", {"star": "x", "__version__": version}
            )
            self.assertIn("the version of observatory.Reading is no number", str(error))

    def test_python2(self) -> None:
        """The names may be bytes."""
        form = [b"observatory.Place", [b"dictionary", [b"latitude", 1.0]]]
        self.assertEqual(unjelly(form, POLICY, None, Invoker()), Place(1.0))


class RefusedTests(SynchronousTestCase):
    """
    What doesn't fit the class.
    """

    def refused(self, tag: str, state: Any) -> str:
        """The text of the error."""
        return str(self.assertRaises(MalformedJelly, made, tag, state))

    def test_types(self) -> None:
        """A field of another type is named with its path."""
        self.assertEqual(
            self.refused("observatory.Reading", {"star": 5}), "value[0].star: an int, where str is wanted"
        )
        self.assertEqual(
            self.refused("observatory.Reading", {"star": "x", "flags": ("y", 5)}),
            "value[0].flags[1]: an int, where str is wanted",
        )
        self.assertEqual(
            self.refused("observatory.Star", {"name": "x", "companions": [Star("y"), 5]}),
            "value[0].companions[1]: an int, where Star is wanted",
        )

    def test_unpersistable(self) -> None:
        """What couldn't travel says so."""
        form = jelly(Reading(object()), POLICY, None, Invoker())  # type: ignore[arg-type]
        error = self.assertRaises(MalformedJelly, unjelly, form, POLICY, None, Invoker())
        self.assertIn("value.star: something that couldn't travel (", str(error))

    def test_pathInCall(self) -> None:
        """The path begins at the argument, and the call fails with it."""
        pair = pairFor(*CLASSES)
        star = Star("x", [Star("y", primary=5)])  # type: ignore[arg-type]
        error = self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("echo", [star]))
        self.flushLoggedErrors()
        self.assertEqual(str(error), "args[0][0].companions[0].primary: an int, where Star | None is wanted")

    def test_unchecked(self) -> None:
        """Annotations may be left alone."""

        @pb.value("observatory.Loose", checked=False)
        @dataclass
        class Loose:
            number: int

        policy = pb.SecurityPolicy().allowValue(Loose)
        self.assertEqual(made("observatory.Loose", {"number": "five"}, policy), Loose("five"))  # type: ignore[arg-type]

    def test_defaultNone(self) -> None:
        """None is good where it is the default, whatever the annotation says."""

        @pb.value("observatory.Sloppy")
        @dataclass
        class Sloppy:
            name: str = None  # type: ignore[assignment]

        policy = pb.SecurityPolicy().allowValue(Sloppy)
        self.assertEqual(made("observatory.Sloppy", {"name": None}, policy), Sloppy())

    def test_constructor(self) -> None:
        """What a constructor refuses is refused."""
        self.assertEqual(
            self.refused("observatory.Magnitude", {"value": 99.0}),
            "value[0]: no Magnitude can be made of this: no star has the magnitude 99.0",
        )
        self.assertIn(
            "no Pointing can be made of this", self.refused("observatory.Pointing", {"altitude": -1.0})
        )

    def test_faultOfConstructor(self) -> None:
        """Any other error of a constructor is the application's, and fails the call only."""

        @pb.value("observatory.Broken")
        @dataclass
        class Broken:
            x: int

            def __post_init__(self) -> None:
                raise RuntimeError("broken")

        policy = pb.SecurityPolicy().allowValue(Broken)
        self.assertRaises(RuntimeError, made, "observatory.Broken", {"x": 1}, policy)

    def test_states(self) -> None:
        """A state is a dictionary."""
        for value in (5, [1], "text", (1.0, 2.0)):
            self.assertIn("not a dictionary", self.refused("observatory.Place", value))
            self.assertIn("not a dictionary", self.refused("observatory.Star", value))

    def test_members(self) -> None:
        """A member that isn't there."""
        self.assertEqual(
            self.refused("observatory.Colour", {"name": "MAUVE"}),
            "value[0]: Colour has no member 'MAUVE'; it has RED, BLUE, DARK, CRIMSON",
        )
        for state in (
            {},
            {"name": 5},
            {"name": None},
            {"name": "mro"},
            {"name": "__class__"},
            {"name": b"\xff"},
        ):
            self.assertIn("has no member", self.refused("observatory.Colour", state))

    def test_membersByValue(self) -> None:
        """Without a name, the value tells."""
        self.assertIs(made("observatory.Band", {"value": 2}), Band.V)
        self.assertIs(made("observatory.Colour", {"name": b"RED"}), Colour.RED)
        self.assertIn("has no member of the value 9", self.refused("observatory.Band", {"value": 9}))
        self.assertIn("has no member of the value", self.refused("observatory.Colour", {"value": [1]}))

    def test_manyMembers(self) -> None:
        """Not all of very many are named."""

        letters = pb.value("observatory.Letter")(Enum("Letter", list("abcdefghij")))  # type: ignore[misc]
        policy = pb.SecurityPolicy().allowValue(letters)
        error = self.assertRaises(MalformedJelly, made, "observatory.Letter", {"name": "z"}, policy)
        self.assertTrue(str(error).endswith("it has a, b, c, d, e, f, g, h and 2 more"))

    def test_flags(self) -> None:
        """Bits that an enumeration refuses, and what is no number."""
        self.assertIn("has no member of the value 64", self.refused("observatory.Filters", {"value": 64}))
        for state in ({}, {"value": True}, {"value": "1"}, {"value": 1.0}):
            self.assertIn("is a number", self.refused("observatory.Filters", state))


class PolicyTests(SynchronousTestCase):
    """
    It declares; the policy permits.
    """

    def test_closed(self) -> None:
        """A policy that doesn't name the class refuses it, and says what to do."""
        for tag in ("observatory.Reading", "observatory.Star", "observatory.Colour"):
            error = self.assertRaises(InsecureJelly, made, tag, {"name": "RED"}, pb.SecurityPolicy())
            self.assertEqual(
                str(error),
                f"value[0]: the policy doesn't allow the type {tag.encode()!r};"
                " SecurityPolicy.allowValue or allowUnjellyable allows it",
            )

    def test_nobodyDeclared(self) -> None:
        """So does the process-wide policy, where nobody has declared the tag."""
        form = [b"list", [b"observatory.Nothing", jelly({})]]
        error = self.assertRaises(InsecureJelly, unjelly, form, pb.globalSecurity, None, Invoker())
        self.assertEqual(
            str(error),
            "value[0]: the policy doesn't allow the module 'observatory' (in 'observatory.Nothing');"
            " no class is declared or registered for this tag",
        )

    def test_sending(self) -> None:
        """What is sent is this program's own choice."""
        pair = pairFor(server=pb.SecurityPolicy().allowValue(Reading), client=pb.SecurityPolicy())
        self.assertRaises(InsecureJelly, pair.result, pair.root.callRemote("echo", Reading("x")))
        self.assertEqual(pair.serverFactory.root.received, Reading("x"))

    def test_undeclared(self) -> None:
        """Only what is declared can be permitted as a value."""
        error = self.assertRaises(TypeError, pb.SecurityPolicy().allowValue, Reading, RefusedTests)
        self.assertIn("put the decorator pb.value on it", str(error))

    def test_copies(self) -> None:
        """The policy that is extended stays as it was."""
        closed = pb.SecurityPolicy()
        closed.allowValue(Reading, Star)
        self.assertFalse(closed.isTypeAllowed("observatory.Reading"))
        self.assertFalse(closed.isTypeAllowed("observatory.Star"))

    def test_otherTag(self) -> None:
        """L{SecurityPolicy.allowUnjellyable} lets another tag become the class."""
        policy = (
            pb.SecurityPolicy().allowUnjellyable("old.Reading", Reading).allowUnjellyable("old.Star", Star)
        )
        self.assertEqual(made("old.Reading", {"star": "x"}, policy), Reading("x"))
        self.assertEqual(made("old.Star", {"name": "x"}, policy), Star("x"))
        self.assertRaises(InsecureJelly, made, "observatory.Reading", {"star": "x"}, policy)

    def test_otherClass(self) -> None:
        """Whatever is allowed last for a tag is what it becomes."""
        for first, second in ((Reading, Star), (Star, Reading)):
            policy = pb.SecurityPolicy().allowUnjellyable("x.y", first).allowUnjellyable("x.y", second)
            result = made("x.y", {"name": "x", "star": "x"}, policy)
            self.assertIsInstance(result, second)

    def test_processWide(self) -> None:
        """
        Declaring registers, as C{setUnjellyableForClass} does, with the
        process-wide registry.
        """

        def receive() -> Any:
            return unjelly([b"observatory.Twice", jelly({"x": 1})], pb.globalSecurity, None, Invoker())

        for frozen in (True, False, True):
            klass = dataclass(frozen=frozen)(type("Twice", (), {"__annotations__": {"x": int}}))
            pb.value("observatory.Twice")(klass)
            self.assertIs(type(receive()), klass)
            self.assertTrue(pb.globalSecurity.isTypeAllowed("observatory.Twice"))
        self.addCleanup(defaultRegistry.factories.pop, b"observatory.Twice", None)

    def test_beforeLogin(self) -> None:
        """Nothing that is declared is accepted from somebody who isn't logged in."""
        self.assertRaises(InsecureJelly, made, "observatory.Reading", {"star": "x"}, LOGIN_POLICY)


class DeclarationTests(SynchronousTestCase):
    """
    What can be declared.
    """

    def test_same(self) -> None:
        """The decorator returns the class that it is given."""

        @dataclass
        class Plain:
            x: int

        self.assertIs(pb.value("observatory.Plain")(Plain), Plain)

    def test_interfaces(self) -> None:
        """The class can be sent; and, if its instances exist first, filled."""
        self.assertTrue(IJellyable.implementedBy(Reading))
        self.assertFalse(IUnjellyable.implementedBy(Reading))
        self.assertTrue(IUnjellyable.implementedBy(Star))

    def test_asEver(self) -> None:
        """Declared classes are otherwise what they were."""
        self.assertEqual(repr(Place(1.0)), "Place(latitude=1.0, longitude=0.0)")
        self.assertEqual(list(Colour), [Colour.RED, Colour.BLUE, Colour.DARK])
        for value in (Reading("x"), Star("x"), Place(1.0), Band.V, Mount("x")):
            self.assertEqual(pickle.loads(pickle.dumps(value)), value)

    def test_tags(self) -> None:
        """A tag has a dot, and isn't one of the protocol's."""
        for tag in ("list", "", ".x", "x.", ".", "twisted.spread.pb.CopyableFailure"):
            self.assertRaises(ValueError, pb.value, tag)

    def test_noTag(self) -> None:
        """The decorator says so when it is put on a class without a tag."""
        declare: Any = pb.value
        for given in (Place, b"shop.Order", None):
            error = self.assertRaises(TypeError, declare, given)
            self.assertIn('@pb.value("package.Name")', str(error))

    def test_versions(self) -> None:
        """Versions begin at 1."""
        self.assertRaises(ValueError, pb.value, "x.y", version=0)

    def assertRefused(self, klass: Any, text: str, **options: Any) -> None:
        """Check the error for a class that can't be declared."""
        error = self.assertRaises(TypeError, pb.value("observatory.Refused", **options), klass)
        self.assertIn(text, str(error))
        self.assertEqual(defaultRegistry.find(b"observatory.Refused"), (None, None))

    def test_kinds(self) -> None:
        """A class of no kind that is known, or decorated in the wrong order."""

        class Plain:
            x: int

        class Derived(Reading):
            y: int

        class DerivedTuple(Place):
            pass

        for klass in (Plain, Derived, DerivedTuple, tuple, int):
            self.assertRefused(klass, "pb.value stands above the decorator that makes it one")
        self.assertRefused(KeyboardInterrupt, "is no dataclass")

    def test_travelsAlready(self) -> None:
        """A class of another flavor."""

        @dataclass
        class Copy(pb.Copyable):
            x: int

        self.assertRefused(Copy, "travels already")

    def test_constructors(self) -> None:
        """A constructor that needs more than the fields that travel."""

        @dataclass
        class Initialised:
            x: int
            seed: InitVar[int]

        class Own(NamedTuple):
            x: int

        @attrs.define(init=False)
        class Positional:
            x: int

            def __init__(self, x: int, /) -> None:
                self.x = x

        self.assertRefused(Initialised, "needs seed")
        self.assertRefused(Own, "needs x", without=["x"])
        self.assertRefused(Positional, "needs x")

    def test_options(self) -> None:
        """Fields that aren't there, and kinds that have none."""
        self.assertRefused(Reading, "has no field colour, weight", without=["weight", "colour"])
        self.assertRefused(Reading, "has no field others", extras="others")
        self.assertRefused(Colour, "are for classes with fields", without=["name"])
        self.assertRefused(Series, "doesn't take the field count", extras="count")

        @dataclass
        class Versioned:
            __version__: int = 1

        self.assertRefused(Versioned, "can't have a field __version__")

    def test_ownConstructor(self) -> None:
        """A constructor of one's own takes the fields that it names, or all."""

        @pb.value("observatory.Own")
        @dataclass(init=False)
        class Own:
            x: int
            y: int = 0

            def __init__(self, x: int) -> None:
                self.x = x

        @pb.value("observatory.Any")
        @dataclass(init=False)
        class Any_:
            x: int
            y: int

            def __init__(self, **fields: int) -> None:
                self.__dict__.update(fields)

        policy = pb.SecurityPolicy().allowValue(Own, Any_)
        for tag in ("observatory.Own", "observatory.Any"):
            value = made(tag, {"x": 1, "y": 2}, policy)
            self.assertEqual((value.x, value.y), (1, 2))

    def test_derived(self) -> None:
        """A class that derives from a declared one is declared itself, or refused."""

        @dataclass(frozen=True)
        class Special(Reading):
            note: str = field(default="")

        error = self.assertRaises(NotJellyable, jelly, [Special("x")], POLICY, None, Invoker())
        self.assertIn("value[0]: ", str(error))
        self.assertIn("Special derives from a class that travels by value", str(error))
        pb.value("observatory.Special")(Special)
        policy = POLICY.allowValue(Special)
        result = unjelly(jelly(Special("x", note="y"), policy, None, Invoker()), policy, None, Invoker())
        self.assertEqual(result, Special("x", note="y"))
