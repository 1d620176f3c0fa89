"""
What arrives against what fields are annotated with.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import (  # noqa: UP035 - the aliases have another origin
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    Mapping,
    NewType,
    Optional,
    Sequence,
    TypeVar,
    Union,
)

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._flavors.fieldtypes import annotationsOf, checkFor
from tests.flavors.observatory import Band, Colour, Place, Reading, Star

if TYPE_CHECKING:
    from somewhere import Missing  # type: ignore[import-not-found]

Number = NewType("Number", int)
Kind = TypeVar("Kind")


class CheckTests(SynchronousTestCase):
    """
    One annotation after the other.
    """

    def problem(self, annotation: Any, value: Any) -> str:
        """Step and text of what is wrong."""
        check = checkFor(annotation)
        assert check is not None
        problem = check(value)
        return "" if problem is None else f"{problem.step}: {problem.text}"

    def assertRight(self, annotation: Any, *values: Any) -> None:
        """These values are taken."""
        for value in values:
            self.assertEqual(self.problem(annotation, value), "")

    def assertWrong(self, annotation: Any, value: Any, text: str) -> None:
        """This one isn't, and why."""
        self.assertEqual(self.problem(annotation, value), text)

    def test_scalars(self) -> None:
        """Plain types, as Python's type checkers take them: an int is a float, a bool an int."""
        self.assertRight(int, 1, True, Band.U)
        self.assertRight(float, 1.5, 1)
        self.assertRight(str, "x")
        self.assertRight(None, None)
        self.assertRight(date, date(2026, 1, 1), datetime(2026, 1, 1))
        self.assertRight(Decimal, Decimal(1))
        self.assertWrong(int, 1.0, ": a float, where int is wanted")
        self.assertWrong(float, "1", ": a str, where float is wanted")
        self.assertWrong(str, b"x", ": a bytes, where str is wanted")
        self.assertWrong(bool, 1, ": an int, where bool is wanted")
        self.assertWrong(None, 0, ": an int, where None is wanted")
        self.assertWrong(Decimal, 1, ": an int, where Decimal is wanted")

    def test_containers(self) -> None:
        """Elements count; the step says which."""
        self.assertRight(list[int], [], [1])
        self.assertRight(tuple[int, ...], (), (1, 2))
        self.assertRight(tuple[int, str], (1, "x"))
        self.assertRight(dict[str, list[int]], {}, {"x": [1]})
        self.assertRight(set[str], {"x"})
        self.assertWrong(list[int], (1,), ": a tuple, where list[int] is wanted")
        self.assertWrong(list[int], [1, "2"], "[1]: a str, where int is wanted")
        self.assertWrong(tuple[int, ...], (1, None), "[1]: a NoneType, where int is wanted")
        self.assertWrong(tuple[int, str], (1,), ": 1 elements, where tuple[int, str] is wanted")
        self.assertWrong(tuple[int, str], (1, 2), "[1]: an int, where str is wanted")
        self.assertWrong(dict[str, int], {1: 2}, "{key 1}: an int, where str is wanted")
        self.assertWrong(dict[str, list[int]], {"x": [1, "y"]}, "['x'][1]: a str, where int is wanted")
        self.assertWrong(frozenset[int], frozenset("x"), "{item}: a str, where int is wanted")

    def test_bare(self) -> None:
        """Without parameters, elements may be anything."""
        self.assertRight(list, [1, "x"])
        self.assertRight(dict, {1: "x"})
        self.assertRight(list[Any], [1, "x"])
        self.assertRight(dict[str, Any], {"x": object()})
        self.assertRight(tuple[Any, int], ("x", 1))
        self.assertWrong(list, {}, ": a dict, where list is wanted")

    def test_abstract(self) -> None:
        """A sequence is a list or a tuple; bytes and texts aren't meant."""
        for annotation in (Sequence[int], collections.abc.Sequence[int]):
            self.assertRight(annotation, [1], (1,))
            self.assertIn("a str, where Sequence", self.problem(annotation, "x"))
        self.assertRight(Mapping[str, int], {"x": 1})
        self.assertRight(collections.abc.Set[int], {1}, frozenset({1}))

    def test_unions(self) -> None:
        """One of several; of a container the element that is wrong is told."""
        for annotation in (Optional[int], Union[int, None], int | None):  # noqa: UP007, UP045
            self.assertRight(annotation, 1, None)
            self.assertWrong(annotation, "x", ": a str, where int | None is wanted")
        self.assertWrong(list[int] | None, [1, "x"], "[1]: a str, where int is wanted")
        self.assertWrong(list[Reading | None], [1], "[0]: an int, where Reading | None is wanted")

    def test_literals(self) -> None:
        """Values and their types."""
        self.assertRight(Literal["r", "w", 1], "r", 1)
        self.assertWrong(Literal["r"], "x", ": a str, where Literal['r'] is wanted")
        self.assertNotEqual(self.problem(Literal[1], True), "")

    def test_declared(self) -> None:
        """Instances of declared classes."""
        self.assertRight(Reading, Reading("x"))
        self.assertRight(Colour, Colour.RED)
        self.assertRight(Place, Place(1.0))
        self.assertRight(Star | None, Star("x"), None)
        self.assertWrong(Colour, 1, ": an int, where Colour is wanted")

    def test_wrapped(self) -> None:
        """What only adds to a type."""
        self.assertRight(Annotated[int, "x"], 1)
        self.assertRight(Final[int], 1)
        self.assertRight(Number, 1)
        self.assertWrong(Number, "x", ": a str, where int is wanted")

    def test_unchecked(self) -> None:
        """What doesn't say what arrives: references, copies and callables."""
        for annotation in (
            Any,
            object,
            Kind,
            Callable[[], int],
            pb.Referenceable,
            pb.Copyable,
            Union[int, pb.Referenceable],  # noqa: UP007
            type[int],
            "not resolved",
        ):
            self.assertIsNone(checkFor(annotation))


class AnnotationTests(SynchronousTestCase):
    """
    Annotations of classes.
    """

    def test_strings(self) -> None:
        """Those that are written as text are looked up; one that nobody can look up is left out."""

        @dataclass
        class Linked(Generic[Kind]):
            number: int
            next: Linked[Kind] | None
            missing: Missing
            local: collections.abc.Sequence[Star]
            wrong: 1 + int  # type: ignore[valid-type]

        found = annotationsOf(Linked)
        self.assertEqual(found["number"], int)
        self.assertEqual(found["local"], collections.abc.Sequence[Star])
        self.assertEqual(found["next"], Optional[Linked[Kind]])  # noqa: UP045
        self.assertNotIn("missing", found)
        self.assertNotIn("wrong", found)

    def test_inherited(self) -> None:
        """They are looked up in the module of the class that has them; the nearest counts."""

        class Nearer(Star):
            name: bytes  # type: ignore[assignment]

        found = annotationsOf(Nearer)
        self.assertIs(found["name"], bytes)
        self.assertEqual(found["companions"], list[Star])

    def test_lostModule(self) -> None:
        """The module may be gone."""
        klass = type("Lost", (), {"__module__": "nowhere", "__annotations__": {"x": "int", "y": "Star"}})
        self.assertEqual(annotationsOf(klass), {"x": int})
