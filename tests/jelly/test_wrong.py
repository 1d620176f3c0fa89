"""
Every form of the language, with everything in its fields that doesn't belong
there: each has an outcome, and none costs much.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly, MalformedJelly
from myspread._jelly import globalSecurity, unjelly
from myspread.security import ITaster, SecurityOptions, SecurityPolicy
from myspread.testing import brokerPair
from tests.jelly.shapes import Colour, Own, Plain, RemotePlain, Stateful, nameOf, ofPlain, reference, see

MODULE = b"tests.jelly.shapes"
STATE = [b"dictionary", [[b"unicode", b"a"], 1]]

FORMS: list[Any] = [
    [b"None"],
    [b"boolean", b"true"],
    [b"unicode", b"x"],
    [b"decimal", 5, -2],
    [b"datetime", b"2020 1 2 3 4 5 6"],
    [b"date", b"2020 1 2"],
    [b"time", b"1 2 3 4"],
    [b"timedelta", b"1 2 3"],
    [b"list", 1, 2],
    [b"tuple", 1, 2],
    [b"dictionary", [1, 2], [3, 4]],
    [b"set", 1, 2],
    [b"frozenset", 1, 2],
    reference(1, [b"list"]),
    [b"list", reference(1, [b"list"]), see(1)],
    see(1),
    [b"unpersistable", b"why"],
    [b"persistent", 5],
    [b"class", ofPlain],
    [b"module", MODULE],
    [b"function", MODULE + b".shout"],
    [b"method", b"greet", [ofPlain, STATE], [b"class", ofPlain]],
    [b"instance", [b"class", ofPlain], STATE],
    [ofPlain, STATE],
    [nameOf(Colour), 1],
    [b"pond.Copy", STATE],
    [b"pond.Cache", 5, STATE],
    [b"pond.Own", STATE],
    [b"pond.Made", STATE],
    [b"pond.Function", 5],
    [
        b"twisted.spread.pb.CopyableFailure",
        [
            b"dictionary",
            [b"type", b"x"],
            [b"value", b"y"],
            [b"parents", [b"list", b"x"]],
            [b"traceback", b"t"],
        ],
    ],
    [b"remote", 1],
    [b"local", b"root"],
    [b"cached", 1],
    [b"lcache", 1],
    [b"copy", 1],
    [b"cache", 1],
    [b"login", 1],
]
"""One of each."""

WRONG: list[Any] = [
    *(0, 1, -1, 2, 2**53 + 1, 2**61 - 1, 2**448 - 1, 1 - 2**448),
    *(1.5, math.nan, math.inf, -math.inf, -0.0, 1e308),
    *(b"", b"\xff", b"\xff.x", b"1", b"1 2 3", b"1 2 3 4 5 6 7", b"-1", b"1e5", b"x" * 5000, b"9" * 5000),
    *(b"list", b"a.b", b"os.system", b"root", b"__init__", b"\x00", b"true"),
    *("text", "\u00e9", "list"),
    *([], [[]], [b""], [1], [[], []], [b"list"], [b"list", [b"list"]], [b"tuple"], [b"tuple", [b"list"]]),
    *([b"dictionary"], [b"dictionary", [b"__class__", 1]], [b"dictionary", [[b"unicode", b"__dict__"], 1]]),
    *([b"set"], [b"None"], [b"boolean", b"true"], [b"unicode", b"x"], [b"unicode", b"\xff"], [b"unicode", 1]),
    *([b"decimal", 1, 2], [b"decimal", -0.0, 2**448], [b"date", b"1 1 1"], [b"timedelta", b"0 0 0"]),
    *([b"class", ofPlain], [b"class", nameOf(Colour)], [b"module", MODULE]),
    *([b"function", MODULE + b".shout"], [b"method", b"greet", [b"None"], [b"class", ofPlain]]),
    *(see(1), see(99), reference(1, [b"list"]), reference(7, [b"tuple", see(7)]), reference(8, see(8))),
    *([b"remote", 1], [b"local", b"root"], [b"persistent", 1], [b"unpersistable", b"x"], [ofPlain, STATE]),
]
"""What may stand where something else belongs."""


def lists(form: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], list[Any]]]:
    """The lists in a form, and where they are."""
    if isinstance(form, list):
        yield path, form
        for index, part in enumerate(form):
            yield from lists(part, (*path, index))


def put(form: Any, path: tuple[int, ...], new: Any) -> Any:
    """A form with something else in one place."""
    if not path:
        return new
    changed = list(form)
    changed[path[0]] = put(changed[path[0]], path[1:], new)
    return changed


def variants(form: Any) -> Iterator[Any]:
    """A form with one field replaced, one missing, or one too many."""
    yield form
    yield from WRONG
    for path, here in lists(form):
        for index in range(len(here)):
            yield put(form, path, here[:index] + here[index + 1 :])
            for wrong in WRONG:
                yield put(form, (*path, index), wrong)
        for wrong in WRONG:
            yield put(form, path, [*here, wrong])


def everything() -> SecurityPolicy:
    """A policy that names all there is in L{FORMS}."""
    return (
        SecurityPolicy()
        .allowInstancesOf(Plain, Colour)
        .allowTypes("class", "module", "method", "instance")
        .allowFunctions("tests.jelly.shapes.shout")
        .allowUnjellyable("pond.Copy", RemotePlain)
        .allowUnjellyable("pond.Cache", pb.RemoteCache)
        .allowUnjellyable("pond.Own", Own)
        .allowUnjellyable("pond.Function", lambda unjellier, form: len(form))
        .allowFactory("pond.Made", lambda state: ("made", state))
    )


def options() -> SecurityOptions:
    """The same in the form of C{twisted.spread}."""
    security = SecurityOptions()
    security.allowInstancesOf(Plain, Colour)
    security.allowTypes("method", "function", "remote", "local", "cached", "lcache")
    return security


class WrongFieldsTests(SynchronousTestCase):
    """
    A value, or an L{InsecureJelly} of a bounded length: nothing else.
    """

    def assertBounded(self, security: ITaster, broker: Any) -> int:
        """
        Try all there is under one policy.

        @return: how many forms were accepted.
        """
        accepted = 0
        for form in FORMS:
            for variant in variants(form):
                try:
                    unjelly(variant, security, None, broker)
                except InsecureJelly as error:
                    self.assertTrue(0 < len(str(error)) < 700, variant)
                except BaseException as error:
                    self.fail(f"{variant!r:.300} raised {error!r:.300}")
                else:
                    accepted += 1
        return accepted

    def test_everywhere(self) -> None:
        """
        Under every kind of policy, with a connection and without one.
        """
        broker = brokerPair(pb.Root()).client
        counts = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            for security in (SecurityPolicy(types=frozenset()), globalSecurity, options(), everything()):
                counts.append(self.assertBounded(security, None))
                counts.append(self.assertBounded(security, broker))
        # What a policy allows more is accepted.
        self.assertTrue(0 < counts[0] < counts[2] < counts[4] < counts[6] < counts[7], counts)


VALUES: list[tuple[Any, Any]] = [
    ([b"decimal", 2**448 - 1, 0], Decimal(2**448 - 1)),
    ([b"decimal", 1 - 2**448, -5], Decimal(f"{1 - 2**448}E-5")),
    ([b"decimal", 1, 10**17], Decimal((0, (1,), 10**17))),
    ([b"decimal", 7, -(10**17)], Decimal((0, (7,), -(10**17)))),
]
"""Huge, and possible."""

REFUSED: list[tuple[Any, str]] = [
    ([b"decimal", 1, 2**448 - 1], "no decimal"),
    ([b"decimal", 1, 1 - 2**448], "no decimal"),
    ([b"decimal", 1, 2**63], "no decimal"),
    ([b"decimal", -0.0, 2**448], "no decimal"),
    ([b"decimal", 1.5, 1], "the digits are no integer"),
    ([b"decimal", math.nan, 1], "the digits are no integer"),
    ([b"date", b"9" * 600_000], "no date"),
    ([b"date", b"1 " * 300_000], "300000 are there"),
    ([b"date", b"10000 1 1"], "no date"),
    ([b"date", b"0 0 0"], "no date"),
    ([b"date", b"2021 2 29"], "no date"),
    ([b"date", b"99999999999999999999 1 1"], "no date"),
    ([b"datetime", b"1 1 1 1 1 1 -1"], "no datetime"),
    ([b"time", b"24 0 0 0"], "no time"),
    ([b"time", b"1"], "4 numbers are wanted, 1 are there"),
    ([b"time", b"x x x " + b"x" * 600_000], "no time"),
    ([b"timedelta", b"1000000000 0 0"], "no timedelta"),
    ([b"timedelta", b"0 0 " + b"9" * 4000], "no timedelta"),
    ([b"timedelta", b"\xb9 0 0"], "no timedelta"),
    ([b"boolean", b"x" * 600_000], "no boolean"),
    ([b"unicode", b"x" * 600_000 + b"\xff"], "no unicode"),
    ([b"unicode", b"\xed\xa0\x80"], "no unicode"),
    ([b"dictionary", [[b"list"], 1]], "unhashable"),
    ([b"dictionary", [[b"dictionary"], 1]], "unhashable"),
    ([b"dictionary", [[b"tuple", [b"list"]], 1]], "unhashable"),
    ([b"set", [b"set"]], "unhashable"),
    ([b"frozenset", 1, [b"tuple", 1, [b"dictionary"]]], "unhashable"),
    ([nameOf(Colour), 5], "is not a valid Colour"),
    ([nameOf(Colour), b"x" * 600_000], "..."),
    ([nameOf(Colour), [b"list", *[b"x"] * 100_000]], "no member of Colour is <list>"),
    ([b"class", b"x." * 300_000 + b"y"], "..."),
    ([b"x" * 600_000, 1], "doesn't allow the type"),
    ([b"unpersistable", [b"list", 1]], "[unpersistable, reason]"),
]
"""Huge, and impossible."""


class HugeTests(SynchronousTestCase):
    """
    Sizes that could keep us busy.
    """

    def timed(self, function: Callable[[], Any]) -> Any:
        """Call a function that needs less than a second of our time."""
        begun = time.process_time()
        result = function()
        self.assertLess(time.process_time() - begun, 1.0)
        return result

    def test_values(self) -> None:
        """
        Some are values, which can be hashed and compared as well.
        """
        for form, value in VALUES:
            made = self.timed(lambda form=form: unjelly([b"dictionary", [form, 1], [5, 2]], everything()))
            self.assertEqual(repr(made), repr({value: 1, 5: 2}))

    def test_refused(self) -> None:
        """
        The others are refused, briefly.
        """
        policy = everything()
        for form, text in REFUSED:

            def refused(form: Any = form) -> Exception:
                return self.assertRaises(InsecureJelly, unjelly, [b"list", form], policy)

            error = self.timed(refused)
            self.assertIn(text, str(error))
            self.assertTrue(str(error).startswith("value[0]"), str(error))
            self.assertLess(len(str(error)), 500)

    def test_endless(self) -> None:
        """
        Nothing writes out a value that is short as a message, and endless as text.
        """
        broker = brokerPair(pb.Root()).client
        forms = [reference(1, [b"list", 1])]
        forms += [reference(level, [b"list", see(level - 1), see(level - 1)]) for level in range(2, 900)]
        policy = everything()
        for tag in (b"date", b"unpersistable", nameOf(Colour), b"pond.Copy", ofPlain):

            def refused(tag: bytes = tag) -> Exception:
                form = [b"list", *forms, [tag, see(899)]]
                return self.assertRaises(InsecureJelly, unjelly, form, policy, None, broker)

            self.assertLess(len(str(self.timed(refused))), 500)


class ChainTests(SynchronousTestCase):
    """
    Objects inside each other's state, wherever the stack ends: the call fails,
    and only the call.
    """

    LINKS: dict[str, Callable[[Any], Any]] = {
        "copies": lambda form: [b"pond.Copy", [b"dictionary", [b"inner", form]]],
        "own": lambda form: [b"pond.Own", [b"dictionary", [b"inner", form]]],
        "caches": lambda form: [b"pond.Cache", 5, [b"dictionary", [b"inner", form]]],
        "lists in copies": lambda form: [b"pond.Copy", [b"dictionary", [b"inner", [b"list", form]]]],
        "keys in copies": lambda form: [b"pond.Copy", [b"dictionary", [form, 1]]],
        "mixed": lambda form: [b"pond.Own", [b"dictionary", [b"x", [b"pond.Made", [b"pond.Copy", form]]]]],
        "failures": lambda form: [
            b"twisted.spread.pb.CopyableFailure",
            [b"dictionary", [b"type", b"x"], [b"value", form]],
        ],
    }

    def chain(self, name: str, length: int) -> Any:
        form: Any = [b"dictionary"]
        for _ in range(length):
            form = self.LINKS[name](form)
        return form

    def test_everyDepth(self) -> None:
        """
        At whatever place the stack ends, the error is the same.
        """
        broker = brokerPair(pb.Root()).client
        self.patch(broker, "decCacheRef", lambda luid: None)
        limit = sys.getrecursionlimit()
        self.addCleanup(sys.setrecursionlimit, limit)
        for name in self.LINKS:
            form = self.chain(name, 400)
            for more in range(60):
                sys.setrecursionlimit(limit + more)
                try:
                    unjelly(form, everything(), None, broker, name="args")
                except MalformedJelly as error:
                    self.assertIn("args", str(error))
                    self.assertIn("nested too deeply", str(error))
                except RecursionError:
                    self.fail(f"{name}: the stack's end came through")
                else:
                    self.fail(f"{name}: accepted")
            sys.setrecursionlimit(limit)

    def test_call(self) -> None:
        """
        The peer gets an error for its call, and the next one is answered.
        """

        class Root(pb.Root):
            def remote_echo(self, value: Any) -> Any:
                return value

        for name in self.LINKS:
            pair = brokerPair(serverFactory=pb.PBServerFactory(Root(), security=everything()))
            answers: list[Any] = []
            self.patch(pair.client, "proto_error", lambda *fields, answers=answers: answers.append(fields))
            # As long as the limit on nesting lets it be.
            levels = max(len(path) for path, _ in lists(self.chain(name, 1)))
            args = [b"tuple", self.chain(name, 1000 // levels)]
            pair.client.sendCall(b"message", 77, b"root", b"echo", 1, args, [b"dictionary"])
            pair.flush()
            self.assertEqual([fields[0] for fields in answers], [77], name)
            self.assertIn("nested too deeply", repr(answers))
            self.assertEqual(pair.result(pair.root.callRemote("echo", 5)), 5)
            self.flushLoggedErrors()


PRIVATE: list[Any] = [
    [b"module", b"os.__builtins__"],
    [b"module", MODULE + b".__builtins__"],
    [b"module", b"tests.jelly._private"],
    [b"module", MODULE + b".pb"],
    [b"function", b"os.system"],
    [b"function", b"posix.system"],
    [b"function", MODULE + b".__builtins__.eval"],
    [b"function", MODULE + b"._private.b"],
    [b"function", MODULE + b"._hidden"],
    [b"function", MODULE + b".join"],
    [b"function", MODULE + b".pb.connect"],
    [b"function", MODULE + b".Plain.greet"],
    [b"function", MODULE + b".Plain.__init__"],
    [b"function", MODULE + b"..shout"],
    [b"function", MODULE + b".shout "],
    [b"function", b" " + MODULE + b".shout"],
    [b"function", MODULE + b".shout.__call__"],
    [b"function", MODULE + b".notAFunction"],
    [b"function", MODULE + b".absent"],
    [b"function", MODULE],
    [b"function", b"shout"],
    [b"function", b""],
    [b"function", b"."],
    [b"function", MODULE + b".\xff"],
    [b"class", MODULE + b".Plain.__class__"],
    [b"class", MODULE + b".Enum"],
    [b"class", MODULE + b".shout"],
    [b"class", b"builtins.type"],
    [b"class", b"builtins.object"],
    [b"class", b"a._private.b"],
    [nameOf(Stateful), STATE],
    [MODULE + b".Plain.__class__", STATE],
    [MODULE + b"._private.b", STATE],
    [b"os.system", [b"list", b"true"]],
    [b"subprocess.Popen", STATE],
    [b"builtins.eval", b"1"],
    [b"instance", [b"class", nameOf(Stateful)], STATE],
    [b"instance", [b"class", b"subprocess.Popen"], STATE],
    [b"instance", ofPlain, STATE],
    [b"instance", [b"list", [b"class", ofPlain]], STATE],
    [b"method", b"__init__", [ofPlain, STATE], [b"class", ofPlain]],
    [b"method", b"_hidden", [ofPlain, STATE], [b"class", ofPlain]],
    [b"method", b"__dict__", [ofPlain, STATE], [b"class", ofPlain]],
    [b"method", b"notAMethod", [ofPlain, STATE], [b"class", ofPlain]],
    [b"method", b"greet", [b"list"], [b"class", ofPlain]],
    [b"method", b"greet", 5, [b"class", ofPlain]],
    [b"method", b"greet", [b"class", ofPlain], [b"class", ofPlain]],
    [b"method", b"greet", [ofPlain, STATE], [b"class", nameOf(Stateful)]],
    [b"method", b"greet", [ofPlain, STATE], ofPlain],
    [b"method", [b"unicode", b"_hidden"], [ofPlain, STATE], [b"class", ofPlain]],
    [b"method", b"\xff", [ofPlain, STATE], [b"class", ofPlain]],
    [b"copy", ofPlain, STATE],
    [b"cache", 1, STATE],
    [b"copyable", STATE],
    [b"Copyable", STATE],
    [b"remotecopy", STATE],
    [b"myspread.pb.RemoteCopy", STATE],
    [b"twisted.spread.flavors.RemoteCache", 1, STATE],
    [b"twisted.spread.pb.Broker", STATE],
]
"""What nobody may name who isn't allowed exactly that."""


class PrivateTests(SynchronousTestCase):
    """
    No door but those that a policy opens.
    """

    def test_refused(self) -> None:
        """
        None of them, under any policy that doesn't name it.
        """
        opened = SecurityOptions()
        opened.allowBasicTypes()
        opened.allowInstancesOf(Plain)
        opened.allowTypes("function", "method")
        opened.allowModules("os", "tests.jelly.shapes")
        modules = SecurityPolicy().allowModules("os", "tests.jelly.shapes").allowInstancesOf(Plain)
        modules = modules.allowTypes("module", "class", "method", "instance", "function")
        policies = [SecurityOptions(), globalSecurity, opened, SecurityPolicy(), modules]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            for security in policies:
                for form in PRIVATE:
                    try:
                        made = unjelly([b"list", form], security)
                    except InsecureJelly as error:
                        self.assertLess(len(str(error)), 500)
                    else:
                        self.fail(f"{form!r} got in as {made!r} under {security!r}")

    def test_opened(self) -> None:
        """
        What a policy names gets in, private or not.
        """
        policy = SecurityPolicy().allowFunctions("tests.jelly.shapes._hidden", "posixpath.join")
        for name in (b"tests.jelly.shapes._hidden", b"posixpath.join"):
            self.assertTrue(callable(unjelly([b"function", name], policy)))
        options = SecurityOptions()
        options.allowModules("tests.jelly.shapes", "posixpath")
        options.allowTypes("function")
        # Imported, from a module that is allowed too.
        self.assertTrue(callable(unjelly([b"function", MODULE + b".join"], options)))
