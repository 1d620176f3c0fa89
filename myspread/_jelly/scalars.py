"""
The forms of values that contain no others: dates, decimals and the like.

Each has a function to the s-expression and one from it; the tables at the end
are what the jellier and the unjellier look them up in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from math import copysign
from typing import Any

from myspread._errors import MalformedJelly, NotJellyable

__all__ = ["JELLY_SCALAR", "UNJELLY_SCALAR"]

Form = list[Any]


def _numbers(tag: bytes, *numbers: int) -> Form:
    return [tag, b" ".join(b"%d" % number for number in numbers)]


def _naive(value: datetime | time) -> None:
    if value.tzinfo is not None:
        raise NotJellyable(
            f"a {type(value).__name__} with a time zone cannot travel; convert it to UTC and remove tzinfo"
        )


def jellyDatetime(value: datetime) -> Form:
    """C{[datetime, "year month day hour minute second microsecond"]}"""
    _naive(value)
    return _numbers(
        b"datetime",
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
    )


def jellyDate(value: date) -> Form:
    """C{[date, "year month day"]}"""
    return _numbers(b"date", value.year, value.month, value.day)


def jellyTime(value: time) -> Form:
    """C{[time, "hour minute second microsecond"]}"""
    _naive(value)
    return _numbers(b"time", value.hour, value.minute, value.second, value.microsecond)


def jellyTimedelta(value: timedelta) -> Form:
    """C{[timedelta, "days seconds microseconds"]}"""
    return _numbers(b"timedelta", value.days, value.seconds, value.microseconds)


def jellyDecimal(value: Decimal) -> Form:
    """
    C{[decimal, digits, exponent]}: an integer with the sign, and a power of
    ten. A negative zero travels as the float -0.0, which is the only way that
    C{twisted.spread} reads without harm and that keeps the sign.
    """
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise NotJellyable(f"the decimal {value} cannot travel; only finite ones can")
    number: int | float = reduce(lambda left, right: left * 10 + right, digits, 0)
    if sign:
        number = -number if number else -0.0
    return [b"decimal", number, exponent]


def jellyStr(value: str) -> Form:
    """C{[unicode, UTF-8 bytes]}"""
    try:
        return [b"unicode", value.encode("utf-8")]
    except UnicodeEncodeError as error:
        raise NotJellyable(
            f"a str with the lone surrogate {value[error.start]!a} at index {error.start}"
            " has no UTF-8 form; encode it to bytes first"
        ) from None


def jellyBool(value: bool) -> Form:
    """C{[boolean, "true" or "false"]}"""
    return [b"boolean", b"true" if value else b"false"]


def jellyNone(value: None) -> Form:
    """C{[None]}"""
    return [b"None"]


def _onlyField(form: Form) -> bytes:
    (value,) = form[1:]
    if not isinstance(value, bytes):
        raise MalformedJelly("a byte string is wanted")
    return value


def _integers(form: Form, count: int) -> list[int]:
    numbers = [int(number) for number in _onlyField(form).split()]
    if len(numbers) != count:
        raise MalformedJelly(f"{count} numbers are wanted, {len(numbers)} are there")
    return numbers


def unjellyNone(form: Form) -> None:
    """The value of C{[None]}."""
    return None


def unjellyStr(form: Form) -> str:
    """The value of C{[unicode, bytes]}."""
    return _onlyField(form).decode("utf-8")


def unjellyBool(form: Form) -> bool:
    """The value of C{[boolean, ...]}."""
    word = _onlyField(form)
    if word not in (b"true", b"false"):
        raise MalformedJelly("true or false is wanted")
    return word == b"true"


def unjellyDatetime(form: Form) -> datetime:
    """The value of C{[datetime, ...]}."""
    year, month, day, hour, minute, second, microsecond = _integers(form, 7)
    return datetime(year, month, day, hour, minute, second, microsecond)


def unjellyDate(form: Form) -> date:
    """The value of C{[date, ...]}."""
    year, month, day = _integers(form, 3)
    return date(year, month, day)


def unjellyTime(form: Form) -> time:
    """The value of C{[time, ...]}."""
    hour, minute, second, microsecond = _integers(form, 4)
    return time(hour, minute, second, microsecond)


def unjellyTimedelta(form: Form) -> timedelta:
    """The value of C{[timedelta, ...]}."""
    days, seconds, microseconds = _integers(form, 3)
    return timedelta(days=days, seconds=seconds, microseconds=microseconds)


def unjellyDecimal(form: Form) -> Decimal:
    """The value of C{[decimal, digits, exponent]}."""
    number, exponent = form[1:]
    if not isinstance(exponent, int):
        raise MalformedJelly("the exponent is no integer")
    if isinstance(number, int):
        return Decimal((int(number < 0), Decimal(number).as_tuple().digits, exponent))
    if number == 0.0 and copysign(1.0, number) < 0:
        return Decimal((1, (0,), exponent))
    raise MalformedJelly("the digits are no integer")


JELLY_SCALAR: dict[type, Callable[[Any], Form]] = {
    str: jellyStr,
    type(None): jellyNone,
    bool: jellyBool,
    datetime: jellyDatetime,
    date: jellyDate,
    time: jellyTime,
    timedelta: jellyTimedelta,
    Decimal: jellyDecimal,
}
"""By exact type, the function that makes the form of a value."""

UNJELLY_SCALAR: dict[bytes, Callable[[Form], Any]] = {
    b"None": unjellyNone,
    b"unicode": unjellyStr,
    b"boolean": unjellyBool,
    b"datetime": unjellyDatetime,
    b"date": unjellyDate,
    b"time": unjellyTime,
    b"timedelta": unjellyTimedelta,
    b"decimal": unjellyDecimal,
}
"""By tag, the function that makes the value of a form."""
