"""
Target C{unjelly}: any s-expression, under several policies.

An object comes out, or L{InsecureJelly}, and nothing else; an error's text is
short. What a policy doesn't allow isn't made. The short cuts make what the long
way makes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

from myspread import pb
from myspread._codec import PB, Decoder
from myspread._codec.accelerated import AcceleratedDecoder
from myspread._errors import BananaError, InsecureJelly
from myspread._jelly import unjelly
from myspread._jelly.plain import NOT_PLAIN, plainValue
from myspread._native import NOT_PLAIN as NATIVE_NOT_PLAIN
from myspread._native import Raw, accelerator, maskFor
from myspread.jelly import Unpersistable, globalSecurity
from myspread.limits import Limits
from myspread.security import PLAIN_TYPES, ITaster, SecurityOptions, SecurityPolicy
from tests.fuzz.application import METER, POINT, Notes, RemoteMeter, RemotePoint, Thing
from tests.fuzz.generating import ROOMY, written
from tests.peer.wire import Wire

__all__ = ["WORDS", "check"]

HERE = __name__.encode("ascii")


class Plain:
    """A class that travels by its own name, where it is allowed."""

    def method(self) -> None:
        """A method of it."""


def made(state: Any) -> Any:
    """A factory, for a tag of its own."""
    return (made, state)


def function() -> None:
    """A function that travels, where it is allowed."""


FACTORY = b"fuzz.Factory"

OPEN = (
    SecurityPolicy()
    .allowUnjellyable(POINT, RemotePoint)
    .allowUnjellyable(METER, RemoteMeter)
    .allowFactory(FACTORY, made)
    .allowInstancesOf(Plain)
    .allowFunctions(HERE + b".function")
    .allowTypes("class", "module", "instance", "method", "copy")
)

OPTIONS = SecurityOptions()
OPTIONS.allowInstancesOf(Plain)

SCALARS_ONLY = SecurityPolicy(types=frozenset({b"None", b"boolean", b"unicode"}))

_PLAIN_KINDS = (
    type(None),
    bool,
    int,
    float,
    bytes,
    str,
    Decimal,
    datetime,
    date,
    time,
    timedelta,
    list,
    tuple,
    dict,
    set,
    frozenset,
    Unpersistable,
)
_CLOSED_KINDS = (*_PLAIN_KINDS, pb.RemoteReference, pb.CopiedFailure, Thing, type(None))

POLICIES: tuple[tuple[ITaster, tuple[type, ...]], ...] = (
    (SecurityPolicy(), _CLOSED_KINDS),
    (SecurityPolicy(types=frozenset(PLAIN_TYPES)), _PLAIN_KINDS),
    (SCALARS_ONLY, (type(None), bool, int, float, bytes, str)),
    (
        OPEN,
        (*_CLOSED_KINDS, RemotePoint, RemoteMeter, Plain, type, FunctionType, MethodType, ModuleType),
    ),
    (OPTIONS, (*_CLOSED_KINDS, RemotePoint, RemoteMeter, Plain, type, FunctionType, MethodType, ModuleType)),
    (globalSecurity, (*_CLOSED_KINDS, RemotePoint, RemoteMeter)),
)
"""Policies, and the types that may come out under each of them."""

WORDS = (
    HERE,
    HERE + b".Plain",
    HERE + b".function",
    HERE + b".Nothing",
    FACTORY,
    POINT,
    METER,
    b"twisted.spread.pb.CopyableFailure",
    b"method",
    b"value",
    b"text",
)

LIMITS = Limits(nestingDepth=3000)

LENT = Thing(Notes())
"""What forms can refer to."""

MOST = 20
"""Expressions of a case that are looked at."""


def kindsIn(value: Any) -> set[type]:
    """The types of a value, and of all that is inside its containers."""
    seen: set[int] = set()
    kinds: set[type] = set()
    todo = [value]
    while todo:
        here = todo.pop()
        kinds.add(type(here))
        if id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, dict):
            todo += here.keys()
            todo += here.values()
        elif isinstance(here, (list, tuple, set, frozenset)):
            todo += here
    return kinds


def outcome(make: Callable[[], Any]) -> tuple[Any, InsecureJelly | None]:
    """A value, or the error in its place."""
    try:
        return make(), None
    except InsecureJelly as error:
        assert len(str(error)) < 2000, f"an error text of {len(str(error))} characters"
        return None, error


def rawOf(form: Any) -> Any:
    """The form as the accelerator keeps it, or None where there is none."""
    if accelerator is None:
        return None
    decoder = AcceleratedDecoder(ROOMY, PB)
    decoder.lazy = True
    ((raw,),) = decoder.feed(written([[form]]))
    return raw if type(raw) is Raw else None


def checkForm(form: Any) -> None:
    """Make objects of a form, under each policy, with and without a connection."""
    raw = rawOf(form)
    for policy, kinds in POLICIES:
        wire = Wire(LENT, greet=False)
        for _ in range(3):
            wire.broker.registerReference(LENT)
        for invoker in (None, wire.broker):
            value, error = outcome(partial(unjelly, copied(form), policy, None, invoker))
            assert kindsIn(value) <= {*kinds}, f"{kindsIn(value) - {*kinds}} under {policy}"
            if raw is not None:
                short = raw.plain(maskFor(policy.isTypeAllowed))
                checkShort(short is NATIVE_NOT_PLAIN, short, value, error)
        wire.lose()
    short = plainValue(copied(form))
    checkShort(short is NOT_PLAIN, short, *outcome(partial(unjelly, copied(form), globalSecurity)))


def checkShort(notPlain: bool, short: Any, value: Any, error: InsecureJelly | None) -> None:
    """The short way makes what the long one makes, or nothing."""
    if not notPlain:
        assert error is None, f"{short!r} in the place of {error!r}"
        assert shown(short) == shown(value), f"{short!r} in the place of {value!r}"


def shown(value: Any) -> Any:
    """A value in a form that can be compared: a NaN has no place of its own in a set."""
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, sorted(map(repr, map(shown, value)))
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [shown(part) for part in value]
    if isinstance(value, dict):
        return "dict", [(shown(key), shown(part)) for key, part in value.items()]
    return type(value).__name__, repr(value)


def check(case: bytes) -> None:
    """
    Make objects of all expressions of a case, and of what stands in its messages.

    @raise AssertionError: when something comes out that must not.
    """
    expressions: list[Any] = []
    try:
        for expression in Decoder(LIMITS, PB).feed(case):
            expressions.append(expression)
    except BananaError:
        pass
    expressions = expressions[:MOST]
    parts = [part for message in expressions if isinstance(message, list) for part in message[1:]]
    for form in [*expressions, *(part for part in parts if isinstance(part, list))][: 2 * MOST]:
        checkForm(form)


def copied(form: Any) -> Any:
    """The same lists once more: the unjellier fills them with objects."""
    top: list[Any] = [form]
    todo = [top]
    for parent in todo:
        for index, part in enumerate(parent):
            if type(part) is list:
                parent[index] = list(part)
                todo.append(parent[index])
    return top[0]
