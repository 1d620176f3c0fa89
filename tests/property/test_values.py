"""
Data classes of any shape, with any values, travel and come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, make_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, Flag
from typing import Any, Literal, NamedTuple, Union

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly, MalformedJelly
from myspread._flavors.fieldtypes import checkFor
from myspread._flavors.values import Declaration
from myspread._jelly import jelly, unjelly
from myspread.security import declarationOf
from tests.jelly.shapes import Invoker

anyPace = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For busy machines."""


class Typed(NamedTuple):
    """An annotation, and values that fit it."""

    annotation: Any
    values: st.SearchStrategy[Any]


texts = st.text("aZ_ \u00e9\u2603", max_size=5)

SCALARS = [
    Typed(int, st.integers() | st.booleans()),
    Typed(float, st.floats(allow_nan=False) | st.integers()),
    Typed(str, texts),
    Typed(bytes, st.binary(max_size=10)),
    Typed(bool, st.booleans()),
    Typed(None, st.none()),
    Typed(date, st.dates()),
    Typed(datetime, st.datetimes()),
    Typed(timedelta, st.timedeltas()),
    Typed(Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=2)),
    Typed(Literal["a", 1], st.sampled_from(["a", 1])),
    Typed(Any, texts | st.integers()),
]

scalars = st.sampled_from(SCALARS)
hashable = scalars.filter(lambda each: each.annotation is not Any)


def containers(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    """Annotations of containers of what other annotations describe."""
    return st.one_of(
        inner.map(lambda each: Typed(list[each.annotation], st.lists(each.values, max_size=3))),
        inner.map(
            lambda each: Typed(tuple[each.annotation, ...], st.lists(each.values, max_size=3).map(tuple))
        ),
        st.tuples(inner, inner).map(
            lambda two: Typed(
                tuple[two[0].annotation, two[1].annotation], st.tuples(*(t.values for t in two))
            )
        ),
        st.tuples(hashable, inner).map(
            lambda two: Typed(
                dict[two[0].annotation, two[1].annotation],
                st.dictionaries(two[0].values, two[1].values, max_size=3),
            )
        ),
        hashable.map(lambda each: Typed(set[each.annotation], st.sets(each.values, max_size=3))),
        # Not all of them know the operator.
        inner.map(lambda each: Typed(Union[each.annotation, None], st.none() | each.values)),  # noqa: UP007
        st.tuples(inner, inner).map(
            lambda two: Typed(
                Union[two[0].annotation, two[1].annotation],  # noqa: UP007
                two[0].values | two[1].values,
            )
        ),
    )


types = st.recursive(scalars, containers, max_leaves=4)
names = st.sampled_from(
    ["star", "flux", "_hidden", "self_", "state", "klass", "count", "value", "name", "tag"]
)


def dataclassOf(fields: dict[str, Typed], frozen: bool, defaults: dict[str, Any]) -> Any:
    """A dataclass with these fields."""
    wanted = [name for name in fields if name not in defaults]
    given = [name for name in fields if name in defaults]
    specified: list[Any] = [(name, fields[name].annotation) for name in wanted]
    specified += [
        (name, fields[name].annotation, field(default_factory=lambda each=defaults[name]: each))
        for name in given
    ]
    return make_dataclass("Made", specified, frozen=frozen)


def attrsOf(fields: dict[str, Typed], frozen: bool, defaults: dict[str, Any]) -> Any:
    """The same with attrs."""
    specified = {
        name: attrs.field(
            type=each.annotation,
            kw_only=True,
            **({"factory": lambda each=defaults[name]: each} if name in defaults else {}),
        )
        for name, each in fields.items()
    }
    return attrs.make_class("Made", specified, frozen=frozen)


@st.composite
def instances(draw: Callable[..., Any]) -> tuple[Any, dict[str, Any]]:
    """An instance of a class made for it, and the fields that it differs in from another instance."""
    fields = draw(st.dictionaries(names, types, max_size=5))
    defaults = {name: draw(each.values) for name, each in fields.items() if draw(st.booleans())}
    make = draw(st.sampled_from([dataclassOf, attrsOf]))
    klass = pb.value("made.Made", version=draw(st.integers(1, 3)))(
        make(fields, draw(st.booleans()), defaults)
    )
    given = {name: draw(each.values) for name, each in fields.items()}
    arguments = {name.lstrip("_") if make is attrsOf else name: each for name, each in given.items()}
    return klass(**arguments), defaults


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts, inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=6,
)


@pb.value("made.Fixed")
@attrs.frozen
class Fixed:
    """A class that hostile states are made for."""

    name: str
    numbers: list[int] = attrs.Factory(list)
    inner: Fixed | None = None


@pb.value("made.Colour")
class Colour(Enum):
    """An enumeration that hostile states are made for."""

    RED = 1


@pb.value("made.Bits")
class Bits(Flag):
    """Flags that hostile states are made for."""

    ONE = 1
    TWO = 2


@pb.value("made.Refused")
class Refused(pb.Error):
    """An exception that hostile states are made for."""


HOSTILE = pb.SecurityPolicy().allowValue(Fixed, Colour, Bits, Refused)


def travel(value: Any, policy: pb.SecurityPolicy) -> Any:
    """What arrives of a value."""
    return unjelly(jelly(value, policy, None, Invoker()), policy, None, Invoker())


class ValueTests(SynchronousTestCase):
    """
    Instances of classes that were never seen before.
    """

    @anyPace
    @given(instances())
    def test_roundTrip(self, made: tuple[Any, dict[str, Any]]) -> None:
        """What arrives equals what was sent, alone and shared, in any place."""
        value, _ = made
        policy = pb.SecurityPolicy().allowValue(type(value))
        self.assertEqual(travel(value, policy), value)
        first, inside = travel((value, [value]), policy)
        self.assertEqual(first, value)
        self.assertIs(inside[0], first)

    @anyPace
    @given(instances())
    def test_defaults(self, made: tuple[Any, dict[str, Any]]) -> None:
        """Fields that are missing are as the class has them; one that it doesn't know changes nothing."""
        value, defaults = made
        declaration: Declaration = declarationOf(type(value))
        policy = pb.SecurityPolicy().allowValue(type(value))
        state = declaration.stateToSend(value)
        for name in defaults:
            del state[name]
        state["unknown"] = 1
        arrived = unjelly([declaration.tag, jelly(state)], policy, None, Invoker())
        for name, default in defaults.items():
            self.assertEqual(getattr(arrived, name), default)
        for name in state.keys() - {"unknown", "__version__"}:
            self.assertEqual(getattr(arrived, name), getattr(value, name))

    @anyPace
    @given(types.flatmap(lambda each: st.tuples(st.just(each.annotation), each.values)))
    def test_checks(self, pair: tuple[Any, Any]) -> None:
        """What fits an annotation is never refused."""
        check = checkFor(pair[0])
        if check is not None:
            self.assertIsNone(check(pair[1]))

    @settings(anyPace, max_examples=300)
    @given(
        st.sampled_from([b"made.Fixed", b"made.Colour", b"made.Bits", b"made.Refused"]),
        anything
        | st.dictionaries(
            st.sampled_from(
                ["name", "numbers", "inner", "value", "args", "__version__", "__class__", "with_traceback"]
            ),
            anything,
        ),
    )
    def test_hostile(self, tag: bytes, state: Any) -> None:
        """Any state at all is made into an instance, or refused."""
        try:
            form = jelly(state)
        except InsecureJelly:
            return
        try:
            value = unjelly([tag, form], HOSTILE, None, Invoker())
        except MalformedJelly:
            return
        self.assertIn(type(value), (Fixed, Colour, Bits, Refused))
        if isinstance(value, Fixed):
            self.assertIs(type(value.name), str)
            self.assertTrue(all(isinstance(number, int) for number in value.numbers))
