"""
The accelerator does what the pure modules do, or nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from myspread import pb
from myspread._codec import DIALECTS, NONE, PB, Decoder, Dialect, encode
from myspread._codec.accelerated import AcceleratedDecoder, PlainEncoder
from myspread._errors import BananaError, InsecureJelly
from myspread._native import accelerator, maskFor
from myspread.jelly import globalSecurity, jelly, unjelly
from myspread.limits import Limits
from myspread.testing import brokerPair

EXAMPLES = settings(
    max_examples=int(os.environ.get("EXAMPLES", "100")),
    deadline=None,
    # Subclasses try the same properties on something else.
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)
"""How many cases each property is tried on."""

ALL = maskFor(globalSecurity.isTypeAllowed)
SMALL = Limits(stringLength=300, listLength=6, prefixLength=9, nestingDepth=6)
TINY = Limits(stringLength=30, listLength=6, nestingDepth=6, messageLength=40, elements=12)

words = st.sampled_from(sorted(PB.words))
texts = (
    st.text(max_size=12)
    | words.map(bytes.decode)
    | st.just("\ud800")
    | st.text("abc").map(lambda text: text * 60)
)
scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**33), 2**33)
    | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**448 - 1])
    | st.floats(allow_nan=False)
    | st.binary(max_size=20)
    | words
    | texts
)
hashable = st.recursive(
    scalars.filter(lambda value: value is not None),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
values = st.recursive(
    scalars | hashable,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=3)
    ),
    max_leaves=20,
)
dialects = st.sampled_from([PB, NONE])

TAGS = [b"list", b"tuple", b"dictionary", b"set", b"frozenset", b"unicode", b"boolean", b"None", b"reference"]
atoms = st.sampled_from([*TAGS, b"true", b"\xff", b"", 1, -1, 0.5, 2**70])
forms = st.recursive(atoms, lambda inner: st.lists(inner, max_size=4), max_leaves=12)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal in type, too, down to their parts."""
    return type(left) is type(right) and repr(left) == repr(right) and left == right


def outcome(decoder: Any, pieces: list[bytes]) -> tuple[list[Any], Any]:
    """What a decoder makes of a stream: the expressions, and the error that ends it."""
    made: list[Any] = []
    for piece in pieces:
        try:
            for expression in decoder.feed(piece):
                made.append(expression)
        except BananaError as error:
            return made, (type(error), str(error))
    return made, None


def cutUp(stream: bytes, cuts: list[int]) -> list[bytes]:
    """A stream in pieces."""
    places = sorted({cut % (len(stream) + 1) for cut in cuts})
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


class ConverterTests(SynchronousTestCase):
    """
    Tests of what takes the short way.

    @cvar converter: the module.
    """

    converter: Any = accelerator

    def setUp(self) -> None:
        """
        @raise SkipTest: when the extension module was not built.
        """
        if self.converter is None:
            raise SkipTest("the extension module is not built, or MYSPREAD_PURE=1 switches it off")

    def encoder(self, dialect: Dialect, limits: Limits) -> PlainEncoder:
        """What writes."""
        return PlainEncoder(dialect, limits, self.converter)

    def decoder(self, limits: Limits, dialect: Dialect | None) -> Any:
        """What reads."""
        return AcceleratedDecoder(limits, dialect)

    def arrived(self, form: Any, dialect: Dialect) -> Any:
        """A form as it arrives inside a message."""
        decoder = self.decoder(Limits(), dialect)
        decoder.lazy = True
        (message,) = decoder.feed(encode([form], dialect))
        return message[0]


class PlainTests(ConverterTests):
    """
    Values to bytes, and back.
    """

    @EXAMPLES
    @given(values, dialects)
    def test_write(self, value: Any, dialect: Dialect) -> None:
        """Bytes that it writes are those of the pure modules; else it writes none."""
        encoded = self.encoder(dialect, Limits()).encode(value)
        if encoded is not None:
            self.assertEqual(encoded.data, encode(jelly(value), dialect))

    @EXAMPLES
    @given(values)
    def test_writeWithinLimits(self, value: Any) -> None:
        """It writes nothing that exceeds a limit."""
        for small in (SMALL, TINY):
            encoded = self.encoder(PB, small).encode(value)
            if encoded is not None:
                depth = small.nestingDepth - 1
                inside = replace(small, prefixLength=Limits.prefixLength, nestingDepth=depth)
                self.assertEqual(encoded.data, encode(jelly(value), PB, inside))

    @EXAMPLES
    @given(values, dialects)
    def test_read(self, value: Any, dialect: Dialect) -> None:
        """Values that it makes are those of the pure modules; else it makes none."""
        try:
            form = jelly(value)
        except InsecureJelly:
            return
        raw = self.arrived(form, dialect)
        if type(raw) is self.converter.Raw:
            made = raw.plain(ALL)
            if made is not self.converter.NOT_PLAIN:
                self.assertTrue(same(made, unjelly(form)), (made, value))
            self.assertEqual(raw.expand(), form)

    @EXAMPLES
    @given(forms, dialects)
    def test_readNonsense(self, form: Any, dialect: Dialect) -> None:
        """It makes nothing of what is no form of Jelly."""
        raw = self.arrived(form, dialect)
        if type(raw) is not self.converter.Raw:
            return
        self.assertEqual(raw.expand(), form)
        made = raw.plain(ALL)
        try:
            expected = unjelly(form, globalSecurity)
        except InsecureJelly:
            expected = self.converter.NOT_PLAIN
        if made is not self.converter.NOT_PLAIN:
            self.assertTrue(same(made, expected), (made, expected))

    def test_taken(self) -> None:
        """The short way is taken for what it is there for, under both dialects."""
        value = {"a": [1, -1, 2**40, 0.5, "é", b"x", None, True], (1, "x"): {1, 2}, "f": frozenset("a")}
        for dialect in DIALECTS.values():
            encoded = self.encoder(dialect, Limits()).encode(value)
            assert encoded is not None
            self.assertEqual(encoded.data, encode(jelly(value), dialect))
            self.assertEqual(self.arrived(jelly(value), dialect).plain(ALL), value)

    def test_sharing(self) -> None:
        """A container that is met twice, or inside itself, is left to the pure modules."""
        shared: list[Any] = []
        circular: list[Any] = []
        circular.append(circular)
        many = [[index] for index in range(1000)]
        encoder = self.encoder(PB, Limits())
        for value in ([shared, shared], circular, [(), ()], [*many, many[500]]):
            self.assertIsNone(encoder.encode(value))
        self.assertIsNotNone(encoder.encode(many))

    def test_policy(self) -> None:
        """A form that the policy doesn't allow is left to the pure modules, which refuse it."""
        for index, tag in enumerate(self.converter.TAGS):
            value = [None, "x", True, [1], (1,), {1: 2}, {1}, frozenset({1})][index]
            refused = self.arrived(jelly(value), PB).plain(ALL & ~(1 << index))
            self.assertIs(refused, self.converter.NOT_PLAIN, tag)
            self.assertEqual(self.arrived(jelly(value), PB).plain(1 << index | 1), value)

    def test_deep(self) -> None:
        """Deep nesting costs no C stack: it is left to the pure modules, up to any depth."""
        deep: list[Any] = []
        for _ in range(900):
            deep = [deep]
        self.assertIsNone(self.encoder(PB, Limits()).encode(deep))
        raw = self.arrived(jelly(deep), PB)
        self.assertIs(raw.plain(ALL), self.converter.NOT_PLAIN)
        self.assertEqual(raw.expand(), jelly(deep))


class ScannerTests(ConverterTests):
    """
    Streams.
    """

    @EXAMPLES
    @given(
        st.lists(forms, min_size=1, max_size=4),
        st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3),
        st.lists(st.integers(0, 10**6), max_size=6),
        st.sampled_from([Limits(), SMALL, TINY]),
        st.booleans(),
    )
    def test_streams(
        self,
        expressions: list[Any],
        damage: list[tuple[int, int]],
        cuts: list[int],
        limits: Limits,
        lazy: bool,
    ) -> None:
        """
        However a stream is cut or damaged: the same expressions, and the same
        error with the same text.
        """
        stream = bytearray(b"".join(encode(expression, PB) for expression in expressions))
        for place, byte in damage:
            stream[place % len(stream)] = byte
        pieces = cutUp(bytes(stream), cuts)
        ours = self.decoder(limits, PB)
        ours.lazy = lazy
        made, error = outcome(ours, pieces)
        expected = outcome(Decoder(limits, PB), pieces)
        for expression in made:
            if isinstance(expression, list):
                raw = self.converter.Raw
                expression[:] = [part.expand() if type(part) is raw else part for part in expression]
        self.assertEqual(repr((made, error)), repr(expected))

    @EXAMPLES
    @given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=4))
    def test_garbage(self, stream: bytes, cuts: list[int]) -> None:
        """Of garbage it makes what the pure decoder makes of it."""
        pieces = cutUp(stream, cuts)
        for dialect in (PB, NONE, None):
            for limits in (SMALL, TINY):
                ours = outcome(self.decoder(limits, dialect), pieces)
                self.assertEqual(repr(ours), repr(outcome(Decoder(limits, dialect), pieces)))

    def test_changes(self) -> None:
        """Limits and dialect may change between expressions, and in the middle of one."""
        stream = encode([b"list", [b"x" * 20]], PB)
        for place in range(len(stream) + 1):
            decoder = self.decoder(Limits(), PB)
            made = list(decoder.feed(stream[:place]))
            decoder.limits = Limits(stringLength=100)
            decoder.dialect = PB
            made += decoder.feed(stream[place:])
            self.assertEqual(made, [[b"list", [b"x" * 20]]])

    def test_fields(self) -> None:
        """However many fields a message has and wherever it is cut, each stays what it is."""
        parts = [[b"list", 1], b"x", 0.5, [], [b"unicode", b"text"], 300, [[b"unicode", b"list"]], -1, [7]]
        for size in range(len(parts) + 1):
            stream = encode(parts[:size], PB)
            for place in range(len(stream)):
                decoder = self.decoder(Limits(), PB)
                decoder.lazy = True
                for message in [*decoder.feed(stream[:place]), *decoder.feed(stream[place:] + stream)]:
                    raw = self.converter.Raw
                    fields = [field.expand() if type(field) is raw else field for field in message]
                    self.assertEqual(fields, parts[:size])

    def test_textLimits(self) -> None:
        """Limits hold for texts as for all else: the same texts, or the same error."""
        stream = encode([b"answer", 1, jelly(["text", {"key": ["deep"]}])], PB) + encode(
            [b"unicode", b""], PB
        )
        for field, most in (
            ("elements", 30),
            ("nestingDepth", 10),
            ("listLength", 5),
            ("stringLength", 10),
            ("messageLength", len(stream)),
            ("prefixLength", 3),
        ):
            for limit in range(1, most):
                limits = Limits(**{field: limit})
                for pieces in ([stream], cutUp(stream, [7, 19])):
                    expected = outcome(Decoder(limits, PB), pieces)
                    self.assertEqual(repr(outcome(self.decoder(limits, PB), pieces)), repr(expected))

    def test_manyDigits(self) -> None:
        """A length, a word or a double after more digits than a length needs is read as such."""
        for zeros in (7, 8, 9, 10, 60):
            padding = bytes(zeros)
            for element in (
                b"\x01" + padding + b"\x80" + b"\x05\x81",
                b"\x03" + padding + b"\x82" + b"\x7f\x80\x81",
                b"\x07" + padding + b"\x87",
                b"\x01" + padding + b"\x84" + bytes(8),
                b"\x07" + padding + b"\x81",
            ):
                for stream in (element, b"\x02\x80" + element + b"\x05\x81"):
                    expected = outcome(Decoder(Limits(), PB), [stream])
                    self.assertEqual(outcome(self.decoder(Limits(), PB), [stream]), expected)

    def test_interrupted(self) -> None:
        """A consumer that fails loses nothing: the rest follows with the next data."""
        decoder = self.decoder(Limits(), PB)
        stream = b"".join(encode(number, PB) for number in range(5))
        for number in decoder.feed(stream):
            if number == 1:
                break
        self.assertEqual(list(decoder.feed(b"")), [2, 3, 4])
        self.assertEqual(list(decoder.feed(encode(5, PB))), [5])


class Overriding(pb.Broker):
    """A broker that looks into messages."""

    def proto_message(self, *fields: Any) -> None:
        self.seen = fields
        super().proto_message(*fields)


class Looking(pb.Root):
    """A root that looks into s-expressions."""

    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        self.seen = [args, kw]
        result = super().remoteMessageReceived(broker, message, args, kw)
        self.seen.append(result)
        return result

    def remote_echo(self, value: Any) -> Any:
        return value


class OverridingTests(SynchronousTestCase):
    """
    Applications that look into messages see lists, with the accelerator or
    without it.
    """

    def test_broker(self) -> None:
        """A broker that overrides what is given s-expressions is given lists."""
        factory = pb.PBServerFactory(Looking())
        factory.protocol = Overriding
        pair = brokerPair(serverFactory=factory)
        self.assertEqual(pair.result(pair.root.callRemote("echo", {"a": 1})), {"a": 1})
        self.assertEqual(pair.server.seen[4], [b"tuple", [b"dictionary", [[b"unicode", b"a"], 1]]])

    def test_instance(self) -> None:
        """So is one on which such a method was set."""
        pair = brokerPair(Looking())
        seen: list[Any] = []
        receive = pair.server.expressionReceived

        def look(expression: Any) -> None:
            seen.append(expression)
            receive(expression)

        pair.server.expressionReceived = look
        self.assertEqual(pair.result(pair.root.callRemote("echo", [1])), [1])
        self.assertEqual(seen[0][5:], [[b"tuple", [b"list", 1]], [b"dictionary"]])

    def test_flavor(self) -> None:
        """So is an object that overrides remoteMessageReceived; its result is a list, too."""
        root = Looking()
        pair = brokerPair(root)
        self.assertEqual(pair.result(pair.root.callRemote("echo", [1])), [1])
        self.assertEqual(root.seen, [[b"tuple", [b"list", 1]], [b"dictionary"], [b"list", 1]])


CHOICE = "from myspread._native import accelerator; print(accelerator is not None)"
HIDDEN = "import sys; sys.modules['myspread._native._accelerator'] = None; "


class ChoiceTests(SynchronousTestCase):
    """
    C{MYSPREAD_PURE}.
    """

    def run_(self, program: str, wish: str | None) -> subprocess.CompletedProcess[str]:
        """Run a program with C{MYSPREAD_PURE} set."""
        environment = {name: value for name, value in os.environ.items() if name != "MYSPREAD_PURE"}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        if wish is not None:
            environment["MYSPREAD_PURE"] = wish
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
        )

    def test_off(self) -> None:
        """1 switches the accelerator off."""
        self.assertEqual(self.run_(CHOICE, "1").stdout, "False\n")

    def test_required(self) -> None:
        """0 requires it: without it nothing can be imported."""
        ended = self.run_(HIDDEN + CHOICE, "0")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("myspread._native._accelerator", ended.stderr)

    def test_missing(self) -> None:
        """Otherwise its absence is a line in the log."""
        log = "from twisted.logger import globalLogBeginner, textFileLogObserver; "
        log += "globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)]); "
        shown = self.run_(HIDDEN + log + CHOICE, None).stdout
        self.assertIn("accelerator of myspread is not built", shown)
        self.assertTrue(shown.endswith("False\n"), shown)
