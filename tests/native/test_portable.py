"""
What does the accelerator's work in Python does what the other pure modules do,
or nothing.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from myspread._codec import PB, Decoder, Dialect, encode
from myspread._codec.accelerated import PlainEncoder, PortableDecoder
from myspread._native import accelerator, portable, tablesFor
from myspread.jelly import jelly
from myspread.limits import Limits
from tests.native import test_accelerator
from tests.native.test_accelerator import ALL, EXAMPLES, cutUp, outcome, values

NARROW = Limits(
    stringLength=130, listLength=130, prefixLength=6, nestingDepth=5, messageLength=300, elements=60
)
"""As narrow as it may be for the short way to be taken at all."""

MESSAGE = {
    "numbers": [0, 1, 127, 128, 16383, 16384, 2**31 - 1, -1, -(2**31) + 1, 0.5],
    "texts": ["", "list", "é", "x" * 127, "x" * 128, "x" * 20000],
    "bytes": [b"", b"list", b"x" * 200],
    "others": (None, True, False, {1, 2}, frozenset("a"), {}, [], ()),
    (1, "x"): {"deeper": [{"and": ({"deeper": 1},)}]},
    b"key": {number: str(number) for number in range(100)},
    "records": [{"id": number, "name": f"name {number}"} for number in range(200)],
}


class Portable:
    """
    The tests of the accelerator, of this.
    """

    converter: Any = portable

    def decoder(self, limits: Limits, dialect: Dialect | None) -> Any:
        """What reads."""
        return PortableDecoder(limits, dialect)


class PlainTests(Portable, test_accelerator.PlainTests):
    """
    Values to bytes, and back.
    """

    def test_taken(self) -> None:
        """The short way is taken for what messages are made of."""
        encoded = self.encoder(PB, Limits()).encode(MESSAGE)
        assert encoded is not None
        self.assertEqual(encoded.data, encode(jelly(MESSAGE), PB))
        raw = self.arrived(jelly(MESSAGE), PB)
        for _ in range(2):
            value = raw.plain(ALL)
            self.assertEqual(value, MESSAGE)
            # Somebody else who takes it gets another one.
            value.clear()
        self.assertEqual(raw.expand(), jelly(MESSAGE))

    def test_deep(self) -> None:
        """Deep nesting is left to the other modules, and costs no recursion."""
        deep: list[Any] = []
        for _ in range(900):
            deep = [deep]
        self.assertIsNone(self.encoder(PB, Limits()).encode(deep))
        self.assertEqual(self.arrived(jelly(deep), PB), jelly(deep))

    def test_policy(self) -> None:
        """Under a policy that allows less, everything is left to the other modules."""
        raw = self.arrived(jelly([1]), PB)
        self.assertIs(raw.plain(ALL & ~1), portable.NOT_PLAIN)
        self.assertEqual(raw.plain(ALL), [1])

    @EXAMPLES
    @given(values)
    def test_elements(self, value: Any) -> None:
        """Elements are counted as elsewhere."""
        encoded = self.encoder(PB, Limits()).encode(value)
        if encoded is not None:
            exact = Limits(elements=encoded.elements)
            self.assertEqual(encode(jelly(value), PB, exact), encoded.data)
            self.assertIsNotNone(self.encoder(PB, exact).encode(value))
            if encoded.elements:
                self.assertIsNone(self.encoder(PB, Limits(elements=encoded.elements - 1)).encode(value))

    def test_keys(self) -> None:
        """Short keys are kept, and only so many; values never are."""
        encoder, tables = self.encoder(PB, Limits()), portable.Tables({}, ())
        other = portable.Encoder(tables, 1000, 1000, 100, 10**6, 10**6)
        for number in range(2000):
            other.encode({f"key {number}": f"secret {number}"}, lambda data, elements: data)
        self.assertLessEqual(len(tables.keys), 512)
        self.assertNotIn("secret", repr(tables.keys))
        for value in ({"x" * 100: 1}, {"list": 1}, {"": 1}):
            for _ in range(2):
                encoded = encoder.encode(value)
                assert encoded is not None
                self.assertEqual(encoded.data, encode(jelly(value), PB))

    def test_manyRiskyKeys(self) -> None:
        """Keys whose hashes a peer could have chosen are left to who counts them."""
        few = {(number,): 1 for number in range(10)}
        many = {(number,): 1 for number in range(100)}
        self.assertEqual(self.arrived(jelly(few), PB).plain(ALL), few)
        self.assertEqual(self.arrived(jelly(many), PB), jelly(many))
        self.assertEqual(self.arrived(jelly(set(many)), PB), jelly(set(many)))


class StreamTests(Portable, test_accelerator.ScannerTests):
    """
    Streams.
    """

    @EXAMPLES
    @given(
        st.lists(values, min_size=1, max_size=4),
        st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=2),
        st.lists(st.integers(0, 10**6), max_size=3),
        st.sampled_from([Limits(), NARROW]),
        st.sampled_from([5, 200, 20000, 2**21, 2**31 - 1, 2**35]),
    )
    def test_messages(
        self, parts: list[Any], damage: list[tuple[int, int]], cuts: list[int], limits: Limits, request: int
    ) -> None:
        """However messages are cut or damaged: the same ones, and the same error."""
        made: list[bytes] = []
        for part in parts:
            encoded = PlainEncoder(PB, Limits(), portable).encode(part)
            if encoded is not None:
                made += [
                    encode([b"message", 5, encoded, 1], PB),
                    encode([b"answer", request, encoded], PB),
                    encode([b"message", request, b"root", b"echo", 1, jelly((part,)), jelly({})], PB),
                ]
        stream = bytearray(b"".join(made))
        for place, byte in damage:
            if stream:
                stream[place % len(stream)] = byte
        pieces = cutUp(bytes(stream), cuts)
        ours = PortableDecoder(limits, PB)
        ours.lazy = True
        messages, error = outcome(ours, pieces)
        for message in messages:
            if isinstance(message, list):
                message[:] = [each.expand() if type(each) is portable.Raw else each for each in message]
        self.assertEqual(repr((messages, error)), repr(outcome(Decoder(limits, PB), pieces)))

    def test_eachCut(self) -> None:
        """A message that is cut anywhere arrives whole."""
        stream = encode([b"answer", 1, jelly({"a": ["text", 1.5, None, True, 300, -1]})], PB)
        for place in range(len(stream)):
            decoder = PortableDecoder(Limits(), PB)
            decoder.lazy = True
            made = [*decoder.feed(stream[:place]), *decoder.feed(stream[place:] + stream)]
            (first, second) = made
            self.assertEqual(second[2].plain(ALL), {"a": ["text", 1.5, None, True, 300, -1]})
            self.assertTrue(decoder.isIdle)
            self.assertEqual(type(first[2]), list if place else portable.Raw)

    def test_requests(self) -> None:
        """The short way is taken however many calls have been made before."""
        reader = portable.Reader(tablesFor(PB.name, PB.words, portable), 640, 640, 64, 64, 640, 640)
        for request in (0, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**28, 2**31 - 1):
            for fields in (
                [b"answer", request, [b"list"]],
                [b"message", request, b"root", b"echo", 1, [b"tuple", 7], [b"dictionary"]],
            ):
                data = encode(fields, PB)
                found = reader.message(b"before" + data, 6)
                assert found is not None
                self.assertEqual(found[1], 6 + len(data))
                self.assertEqual(
                    [each.expand() if type(each) is portable.Raw else each for each in found[0]], fields
                )


class MessageTests(SynchronousTestCase):
    """
    Messages around values.
    """

    def test_message(self) -> None:
        """Bytes are those of the other modules, or none."""
        encoder = PlainEncoder(PB, Limits(), portable)
        args = encoder.encode((1, "x"))
        for message in (
            (b"message", 1, b"root", b"echo", 1, args, args),
            (b"answer", 300, args),
            (b"answer", 2**31 - 1, b"x" * 127),
            (b"version", 6),
        ):
            self.assertEqual(encoder.message(message), encode(message, PB))
        for odd in (-1, 2**31, b"x" * 128, 0.5, []):
            self.assertIsNone(encoder.message((b"answer", odd)))

    @EXAMPLES
    @given(
        st.integers(0, 2**40),
        st.integers(0, 2**40) | st.binary(max_size=140) | st.sampled_from([b"root", b"list"]),
        st.binary(max_size=140) | st.just(b"message"),
        st.lists(values, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=5), values, max_size=3),
    )
    def test_calls(self, request: int, target: Any, method: bytes, args: Any, kw: Any) -> None:
        """A call, and an answer, is written in one step in the same bytes, or not at all."""
        for converter in (portable, accelerator):
            if converter is None:
                continue
            encoder = PlainEncoder(PB, Limits(), converter)
            for _ in range(2):
                data = encoder.call(b"message", request, target, method, 1, args, kw)
                if data is not None:
                    form = [b"message", request, target, method, 1, jelly(args), jelly(kw)]
                    self.assertEqual(data, encode(form, PB))
            data = encoder.answer(request, args)
            if data is not None:
                self.assertEqual(data, encode([b"answer", request, jelly(args)], PB))

    def test_callsAreTaken(self) -> None:
        """What calls and answers mostly are is written in one step."""
        for converter in (portable, accelerator):
            if converter is None:
                continue
            encoder = PlainEncoder(PB, Limits(), converter)
            for args, kw in (((), {}), ((1, "x"), {}), (([1],), {"a": {"b": None}})):
                for target in (b"root", 5):
                    data = encoder.call(b"cachemessage", 300, target, b"echo", 0, args, kw)
                    form = [b"cachemessage", 300, target, b"echo", 0, jelly(args), jelly(kw)]
                    self.assertEqual(data, encode(form, PB))
            for value in (5, "x", b"x", None, True, 0.5, {}, [1], -1):
                self.assertEqual(encoder.answer(300, value), encode([b"answer", 300, jelly(value)], PB))

    def test_likeOneBefore(self) -> None:
        """Calls that begin as one before are read as they are, and so are those that don't."""
        decoder = PortableDecoder(Limits(), PB)
        decoder.lazy = True
        calls = [
            [b"message", number, b"root", name, 1, [b"tuple", number], [b"dictionary"]]
            for number, name in enumerate([b"echo"] * 20 + [b"other"] * 20 + [b"echo", b"echoes"] * 20)
        ]
        for number, read in enumerate(decoder.feed(b"".join(encode(each, PB) for each in calls))):
            assert isinstance(read, list)
            self.assertEqual(read[:5], calls[number][:5])
            self.assertEqual((read[5].plain(ALL), read[6].plain(ALL)), ((number,), {}))

    def test_likeNoneBefore(self) -> None:
        """The first call of a connection is read as it is, whatever object it is for."""
        for target in range(300):
            decoder = PortableDecoder(Limits(), PB)
            decoder.lazy = True
            call = [b"message", 1, target, b"echo", 1, [b"tuple"], [b"dictionary"]]
            [read] = decoder.feed(encode(call, PB))
            self.assertEqual(read[:5], call[:5])

    def test_narrow(self) -> None:
        """Under limits that are small, everything is left to the other modules."""
        encoder = PlainEncoder(PB, Limits(listLength=6), portable)
        self.assertIsNone(encoder.encode([1]))
        self.assertIsNone(encoder.message((b"answer", 1, b"x")))
