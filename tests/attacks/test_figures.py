"""
What the command makes of its figures, and that its bytes are Banana.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from attacks.catalogue import ATTACKS
from attacks.measuring import Figures, troubles
from attacks.processes import OURS, STOCK
from attacks.table import asRest, asText
from attacks.wire import Ready, call, head, write
from myspread.banana import decode

GOOD = Figures(
    attack="nesting",
    package=OURS,
    alive=True,
    latency=0.0042,
    newcomer=0.5,
    refused=0,
    memory=2**20,
    left=0,
    kept=0,
    logged=1234,
    processor=0.25,
    seconds=2.0,
)

BAD = replace(
    GOOD,
    package=STOCK,
    alive=False,
    latency=float("inf"),
    refused=3,
    memory=2**30,
    kept=2**25,
    logged=10**7,
)


class TroublesTests(SynchronousTestCase):
    """
    What counts as withstanding.
    """

    def test_none(self) -> None:
        """A server that keeps what is promised has none."""
        self.assertEqual(troubles(GOOD), [])

    def test_each(self) -> None:
        """Each promise that isn't kept is named, with the figure."""
        for field, value, text in (
            ("alive", False, "the server doesn't serve any more"),
            ("latency", 1.5, "an honest call took 1.5 s"),
            ("memory", 33 * 2**20, "the server grew by 33 MiB"),
            ("kept", 5 * 2**20, "done again, it left 5 MiB more behind"),
            ("logged", 100_001, "the server logged 100 kB"),
        ):
            with self.subTest(field):
                self.assertEqual(troubles(replace(GOOD, **{field: value})), [text])


class TableTests(SynchronousTestCase):
    """
    The same figures, as text and as reStructuredText.
    """

    def test_text(self) -> None:
        """A line for each, with what is wrong at its end."""
        heading, stock, ours = asText([BAD, GOOD]).splitlines()
        self.assertEqual(heading.split()[:3], ["attack", "on", "latency"])
        self.assertEqual(
            ours.split(),
            "nesting myspread 4 ms 500 ms 1.0 MB 0.0 MB 1.2 kB 0.2 s yes 2 s".split(),
        )
        self.assertEqual(stock.split()[:5], ["nesting", "twisted.spread", "never", "3", "refused"])
        self.assertTrue(stock.endswith("the server logged 10000 kB"), stock)

    def test_rest(self) -> None:
        """A table of which each row has as many cells, and the title of an attack stands once."""
        head, *rows = asRest([BAD, GOOD]).split("\n   * -")
        self.assertTrue(head.startswith(".. list-table::"), head)
        cells = [[cell.strip() for cell in row.split("\n     -")] for row in rows]
        self.assertEqual([len(row) for row in cells], [len(cells[0])] * 3)
        self.assertEqual([row[:2] for row in cells[1:]], [[ATTACKS["nesting"].title, STOCK], ["", OURS]])
        self.assertEqual(
            cells[2][2:], ["4 ms", "500 ms", "1.0 MB", "0.0 MB", "1.2 kB", "0.2 s", "yes"]
        )


class WireTests(SynchronousTestCase):
    """
    The attacker's encoder, where it makes sense.
    """

    def test_expressions(self) -> None:
        """What it writes is what the decoder of the package reads."""
        numbers = [0, 5, -5, 2**31 - 1, -(2**31), 2**31, 2**440, -(2**440), 1.5]
        for value in [*numbers, b"", b"x" * 200, [1, [b"y", []]]]:
            with self.subTest(value):
                self.assertEqual(decode(write(value)), value)

    def test_call(self) -> None:
        """A call is a message with six fields."""
        wanted = [b"message", 1, b"root", b"echo", 1, [b"tuple", 7], [b"dictionary"]]
        self.assertEqual(decode(call(b"echo", 7)), wanted)

    def test_ready(self) -> None:
        """Bytes that are written already stay as they are."""
        self.assertEqual(write([Ready(head(9, b"\x99"))]), b"\x01\x80\x09\x99")


class CatalogueTests(SynchronousTestCase):
    """
    The attacks.
    """

    def test_eachIsDescribed(self) -> None:
        """Each has a title of its own, and says what it does."""
        titles = [attack.title for attack in ATTACKS.values()]
        self.assertEqual(len(set(titles)), len(titles))
        for name, attack in ATTACKS.items():
            with self.subTest(name):
                self.assertTrue(attack.run.__doc__)
