"""
The comparison that the interoperability tests rest on: L{tests.interop.graphs}.
"""

from __future__ import annotations

import decimal
import math
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.interop.graphs import difference


def ring(length: int) -> list[Any]:
    """Lists that contain each other in a circle."""
    first: list[Any] = []
    last = first
    for _ in range(length - 1):
        last = [last]
    first.append(last)
    return first


class DifferenceTests(SynchronousTestCase):
    """
    L{difference} tells equal graphs from different ones.
    """

    def test_equal(self) -> None:
        """
        Equal values make equal graphs.
        """
        for make in (
            lambda: None,
            lambda: [1, 2.5, b"x", "x", (), decimal.Decimal("1.50")],
            lambda: {"a": [1], (1, "b"): {2, frozenset([3, "c"])}},
            lambda: math.nan,
            lambda: SimpleNamespace(a=1, b=[SimpleNamespace()]),
            lambda: ring(3),
            lambda: {(1, "a"), (2, "b"), "c", 4.5, frozenset()},
        ):
            self.assertEqual(difference(make(), make()), "")

    def test_different(self) -> None:
        """
        Values of another type, value, order or length are different.
        """
        for left, right in (
            (1, True),
            (1, 1.0),
            (0.0, -0.0),
            ("a", b"a"),
            ([], ()),
            ([1, 2], [2, 1]),
            ([1], [1, 2]),
            ({"a": 1}, {"a": 2}),
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
            ({1, 2}, {1, 3}),
            ({1}, frozenset({1})),
            (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
            (SimpleNamespace(a=1), SimpleNamespace(b=1)),
        ):
            with self.subTest(left=left, right=right):
                self.assertNotEqual(difference(left, right), "")

    def test_identity(self) -> None:
        """
        What is one object on one side must be one on the other.
        """
        shared: list[Any] = [1]
        pair = (1, 2, shared)
        self.assertEqual(difference([shared, shared], [pair[2], pair[2]]), "")
        self.assertIn("shared", difference([shared, shared], [[1], [1]]))
        self.assertIn("shared", difference([[1], [1]], [shared, shared]))
        self.assertIn("shared", difference(ring(2), ring(4)))
        self.assertIn("shared", difference([pair, pair], [(1, 2, shared), (1, 2, shared)]))

    def test_path(self) -> None:
        """
        The text names the way to the difference.
        """
        self.assertIn("value[0]['a'][1]:", difference([{"a": (1, 2)}], [{"a": (1, 3)}]))
