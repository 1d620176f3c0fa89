"""
The lines of account files.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from myspread._login.accountlines import AccountFileError, Records, fieldsOf, joined
from myspread._login.clientcertificates import readCertificate
from myspread._login.passwords import readPassword
from myspread._login.tokens import readToken

anyPace = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For busy machines."""


class Pair(NamedTuple):
    """A record of two fields."""

    key: str
    value: str

    @property
    def name(self) -> str:
        """What it is called."""
        return f"pair {self.key}"

    def fields(self) -> list[str]:
        """Both."""
        return [self.key, self.value]


def readPair(fields: list[str]) -> Pair:
    """A pair, if it is one."""
    if len(fields) != 2:
        raise ValueError(f"{len(fields)} fields are no pair")
    return Pair(*fields)


TEXT = """\
# Those who may.

ann 1
  # Bob is on holiday.
bob\t2

"""


READERS = (readPassword, readToken, readCertificate)

WORDS = st.sampled_from(
    ["ann", "-", "%20", "#", "dns", "pin", f"sha256:{'0' * 64}", "0" * 64, "2026-01-31T23:59:59Z"]
    + ["2026-13-31T23:59:59Z", "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"]
    + [f"SCRAM-SHA-256$4096:AAAA${'A' * 43}=:{'A' * 43}=", "SCRAM-SHA-256$9:$:", "\u2168", "\ufeff"]
)
"""What lines are made of."""


class FieldTests(SynchronousTestCase):
    """
    Fields, and how they stand in a line.
    """

    @anyPace
    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
    def test_anything(self, fields: list[str]) -> None:
        """Whatever text there is in the fields, the line gives it back; it is one, and no comment."""
        line = joined(fields)
        self.assertEqual(fieldsOf(line), fields)
        self.assertEqual(len(line.splitlines()), 1)
        self.assertFalse(line.startswith("#"))

    def test_readable(self) -> None:
        """Only what must be is quoted."""
        self.assertEqual(
            joined(["a:b", "Jürgen", "x@y", "two words", "50%"]), "a:b Jürgen x@y two%20words 50%25"
        )
        self.assertEqual(joined(["", "-", "-a", "#1", "a#"]), "- %2D -a %231 a#")
        self.assertEqual(joined(["line\nbreak", "\N{NO-BREAK SPACE}"]), "line%0Abreak %C2%A0")

    def test_wrong(self) -> None:
        """What isn't well quoted is refused."""
        for line, text in (
            ("a 50%", "in '50%', a % stands without two hexadecimal digits: write %25"),
            ("%zz", "in '%zz', a % stands without two hexadecimal digits: write %25"),
            ("%ff", "'%ff' doesn't stand for UTF-8"),
        ):
            self.assertEqual(str(self.assertRaises(ValueError, fieldsOf, line)), text)

    def test_surrogates(self) -> None:
        """What is no text can't be written."""
        self.assertRaises(ValueError, joined, ["\udcff"])


class RecordsTests(SynchronousTestCase):
    """
    Whole files.
    """

    def parse(self, text: str) -> Records[Pair]:
        """Read a file."""
        return Records.parse(text.encode("utf-8"), readPair)

    def assertWrong(self, data: bytes, text: str) -> None:
        """A file is refused."""
        error = self.assertRaises(AccountFileError, Records.parse, data, readPair)
        self.assertEqual(str(error), text)

    def test_read(self) -> None:
        """The records, in order; the rest is for people."""
        records = self.parse(TEXT)
        self.assertEqual(list(records), [Pair("ann", "1"), Pair("bob", "2")])
        self.assertEqual(len(records), 2)
        self.assertEqual(records.get("bob"), Pair("bob", "2"))
        self.assertIsNone(records.get("cy"))
        self.assertIsNone(records.get(1))

    def test_forms(self) -> None:
        """An empty file, one whose last line doesn't end, one of another system."""
        self.assertEqual(list(self.parse("")), [])
        for text in ("a 1\nb 2", "a 1\r\nb 2\r\n", "\ufeffa 1\nb 2\n"):
            self.assertEqual(list(self.parse(text)), [Pair("a", "1"), Pair("b", "2")])

    def test_change(self) -> None:
        """Comments and order stay, what is new comes last."""
        records = self.parse(TEXT)
        records.put(Pair("ann", "one"))
        records.put(Pair("cy", "3"))
        records.remove("bob")
        self.assertRaises(KeyError, records.remove, "bob")
        self.assertEqual(records.text(), "# Those who may.\n\nann one\n  # Bob is on holiday.\n\ncy 3\n")
        self.assertEqual(self.parse("a 1").text(), "a 1\n")

    def test_wrong(self) -> None:
        """What is wrong is told with the number of its line."""
        self.assertWrong(b"# fine\na 1\n\nb\n", "line 4: 1 fields are no pair")
        self.assertWrong(
            b"a 1\nb 5%\n", "line 2: in '5%', a % stands without two hexadecimal digits: write %25"
        )
        self.assertWrong(b"a 1\n\xff 2\n", "line 2: this isn't UTF-8")
        self.assertWrong(b"a 1\n#\nb 2\na 3\n", "line 4: pair a has line 1 already")
        self.assertWrong("a\x85b 1\n".encode(), "line 1: 3 fields are no pair")

    @anyPace
    @given(
        st.lists(st.lists(WORDS | st.text(max_size=5), max_size=6).map(" ".join)), st.sampled_from(READERS)
    )
    def test_anyLines(self, lines: list[str], read: Any) -> None:
        """Whatever is in a file, it is read, and can be written again, or refused in one line."""
        data = "\n".join(lines).encode("utf-8", "surrogatepass")
        try:
            records: Records[Any] = Records.parse(data, read)
        except AccountFileError as error:
            self.assertRegex(str(error), r"\Aline \d+: [^\n]+\Z")
        else:
            again: Records[Any] = Records.parse(records.text().encode("utf-8"), read)
            self.assertEqual(list(again), list(records))

    @anyPace
    @given(st.binary(), st.sampled_from(READERS))
    def test_anyBytes(self, data: bytes, read: Any) -> None:
        """The same goes for what isn't even text."""
        try:
            Records.parse(data, read)
        except AccountFileError as error:
            self.assertRegex(str(error), r"\Aline \d+: [^\n]+\Z")
