"""
Errors name the place in the message where something is wrong.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly, MalformedJelly, NotJellyable
from myspread._jelly import jelly, unjelly
from myspread._jelly.paths import brief, keyStep, locate, shorten
from myspread.security import SecurityPolicy
from tests.jelly.shapes import Invoker, Own, Plain, RemotePlain, ofPlain, reference

LONE = "\ud800"
"""A value that can't be sent."""

ABSENT = [b"no.such.Class", [b"None"]]
"""A form that isn't accepted."""

POLICY = (
    SecurityPolicy().allowInstancesOf(Plain).allowUnjellyable("Tag", RemotePlain).allowUnjellyable("Own", Own)
)


class SendingTests(SynchronousTestCase):
    """
    The place of what can't be sent.
    """

    def assertPath(self, value: Any, path: str) -> None:
        error = self.assertRaises(NotJellyable, jelly, value, POLICY, None, Invoker(), name="args")
        self.assertEqual(str(error).partition(": ")[0], path)

    def test_paths(self) -> None:
        """
        Indices, keys, attributes and elements of sets, as one would write them.
        """

        class Pond(pb.Copyable):
            def __init__(self, **state: Any) -> None:
                self.__dict__.update(state)

        own = Own()
        own.frogs = LONE  # type: ignore[attr-defined]
        for value, path in (
            (LONE, "args"),
            ((LONE,), "args[0]"),
            ([1, [2, 3], LONE], "args[2]"),
            ([1, [2, LONE]], "args[1][1]"),
            ((([],), ([], LONE)), "args[1][1]"),
            ({"a": 1, "b": LONE}, "args['b']"),
            ({1: {b"x": LONE}}, "args[1][b'x']"),
            ({1: [], 2: [LONE]}, "args[2][0]"),
            ({1: 2, LONE: 3}, "args{key '\\ud800'}"),
            ({(1, LONE): 3}, "args{key <tuple>}[1]"),
            ({LONE}, "args{item}"),
            (frozenset({(LONE,)}), "args{item}[0]"),
            (Plain(frogs=LONE), "args.frogs"),
            ((Plain(pond=Plain(frogs=[1, LONE])),), "args[0].pond.frogs[1]"),
            ((Pond(frogs=LONE),), "args[0].frogs"),
            ([Pond(pond=[Pond(frogs={"green": LONE})])], "args[0].pond[0].frogs['green']"),
            ([own], "args[0].frogs"),
            (Plain(**{"no name": LONE}), "args['no name']"),
            (Plain(of=[{"x": LONE}]), "args.of[0]['x']"),
        ):
            self.assertPath(value, path)

    def test_state(self) -> None:
        """
        A path leads through state that is no dictionary.
        """

        class Packed(pb.Copyable):
            def getStateToCopy(self) -> Any:
                return (1, LONE)

        self.assertPath([Packed()], "args[0][1]")

    def test_types(self) -> None:
        """
        A policy of the stock form that refuses a type names its place too.
        """

        class NoDates:
            def isTypeAllowed(self, name: Any) -> bool:
                return b"date" not in name

            isModuleAllowed = isClassAllowed = isTypeAllowed

        error = self.assertRaises(InsecureJelly, jelly, {"when": [date(2000, 1, 1)]}, NoDates())
        self.assertEqual(str(error), "value['when'][0]: the policy doesn't allow the type datetime.date")


class ReceivingTests(SynchronousTestCase):
    """
    The place of what isn't accepted.
    """

    def assertPath(self, form: Any, path: str) -> None:
        error = self.assertRaises(InsecureJelly, unjelly, form, POLICY, None, Invoker(), name="args")
        self.assertEqual(str(error).partition(": ")[0], path)

    def test_paths(self) -> None:
        """
        They read as those of the sender.
        """
        text = [b"unicode", b"frogs"]
        bad = ABSENT
        for form, path in (
            (bad, "args"),
            ([b"tuple", bad], "args[0]"),
            ([b"list", 1, [b"list", 2], bad], "args[2]"),
            ([b"set", 1, bad], "args{item}"),
            ([b"frozenset", [b"tuple", bad]], "args{item}[0]"),
            ([b"dictionary", [text, bad]], "args['frogs']"),
            ([b"dictionary", [b"x", 1], [b"y", [b"list", bad]]], "args[b'y'][0]"),
            ([b"dictionary", [[b"tuple", 1], [b"list", bad]]], "args[<list>][0]"),
            ([b"dictionary", [[b"tuple", bad], 1]], "args[<list>][0]"),
            ([b"dictionary", [b"list", bad]], "args[b'list']"),
            ([b"dictionary", [b"dictionary", bad]], "args[b'dictionary']"),
            ([ofPlain, [b"dictionary", [text, bad]]], "args.frogs"),
            ([b"Tag", [b"dictionary", [text, bad]]], "args.frogs"),
            (
                [b"Tag", [b"dictionary", [b"pond", [b"Tag", [b"dictionary", [b"frogs", bad]]]]]],
                "args.pond.frogs",
            ),
            (
                [b"tuple", reference(1, [ofPlain, reference(2, [b"dictionary", [text, bad]])])],
                "args[0].frogs",
            ),
            ([b"Own", [b"dictionary", [text, [b"list", 0, bad]]]], "args.frogs[1]"),
            ([b"Tag", [b"dictionary", [b"no name", bad]]], "args['no name']"),
            ([b"Tag", [b"dictionary", [b"a", [b"dictionary", [b"b", bad]]]]], "args.a[b'b']"),
            ([b"Tag", [b"tuple", 0, bad]], "args[1]"),
        ):
            self.assertPath(form, path)

    def test_emptyForm(self) -> None:
        """
        Forms that are none have places as well.
        """
        self.assertPath([b"list", []], "args[0]")
        self.assertPath([b"dictionary", [b"x", []]], "args[b'x']")
        self.assertPath([b"list", [b"dictionary", []]], "args[0]")
        self.assertPath([b"dictionary", [[], []]], "args[<list>]")

    def test_wrongCopy(self) -> None:
        """
        The error of a copy names the copy, even one that had to wait.
        """
        self.assertPath([b"list", [b"Tag", 5]], "args[0]")
        self.assertPath(
            reference(1, [b"tuple", [b"list", [b"Tag", [b"list", [b"dereference", 1]]]]]), "args[0][0]"
        )

    def test_fields(self) -> None:
        """
        The path is an attribute of the error, for programs.
        """
        error = self.assertRaises(MalformedJelly, unjelly, [b"list", [b"unicode", 5]])
        self.assertEqual(error.path, "value[0]")

    def test_nestedDictionaries(self) -> None:
        """
        Looking for the place is quick whatever was sent; it once took time that
        doubled with each dictionary inside another.
        """
        deep: Any = [b"list"]
        for _ in range(400):
            deep = [b"dictionary", [b"k", deep]]
        self.assertPath([b"list", ABSENT, deep], "args[0]")

    def test_wideAndDeep(self) -> None:
        """
        It costs no memory for the paths of other places.
        """
        form: Any = [b"list", ABSENT] + [[b"list"]] * 100000
        for _ in range(500):
            form = [b"list", form]
        error = self.assertRaises(InsecureJelly, unjelly, form)
        self.assertRegex(str(error), r"^value(\[0\])+.*\.\.\..*(\[0\])+: ")


class PathTextTests(SynchronousTestCase):
    """
    Texts of errors are short whatever they are about.
    """

    def test_brief(self) -> None:
        """
        L{brief} shows scalars, and of other things the type.
        """
        for value, shown in (
            (b"name", "b'name'"),
            ("x" * 60, repr("x" * 60)),
            ("x" * 61, repr("x" * 60) + "..."),
            (None, "None"),
            (True, "True"),
            (1.5, "1.5"),
            (2**128 - 1, str(2**128 - 1)),
            (2**128, "<int of 129 bits>"),
            ([b"x"], "<list>"),
            (Plain(), "<Plain>"),
        ):
            self.assertEqual(brief(value), shown)

    def test_shorten(self) -> None:
        """
        L{shorten} leaves out the middle of a long path.
        """
        self.assertEqual(shorten("x" * 240), "x" * 240)
        self.assertEqual(shorten("a" * 200 + "b" * 200), "a" * 120 + "..." + "b" * 120)

    def test_keyStep(self) -> None:
        """
        Names of attributes are written as such; those in no encoding, too.
        """
        self.assertEqual(keyStep(b"frogs", True), ".frogs")
        self.assertEqual(keyStep(b"frogs", False), "[b'frogs']")
        self.assertEqual(keyStep(b"\xff", True), "['\ufffd']")
        self.assertEqual(keyStep(5, True), "[5]")

    def test_elsewhere(self) -> None:
        """
        What isn't inside has no path.
        """
        self.assertEqual(locate([b"list", [b"list"]], [b"list"], "args"), "args")
        self.assertEqual(locate(5, [b"list"], "args"), "args")
