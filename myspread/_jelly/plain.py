"""
The short cut for small plain values.

Most calls have a few numbers and strings as arguments, and answer with one.
These need no bookkeeping of references, and no code of the application runs
while they are converted. L{plainForm} and L{plainValue} convert exactly those,
to exactly the same forms, and leave everything else, errors too, to the jellier
and the unjellier.
"""

from __future__ import annotations

from typing import Any

from myspread.security import ITaster, SecurityOptions, SecurityPolicy

__all__ = [
    "NOT_PLAIN",
    "allowsPlain",
    "allowsTags",
    "passesQualifiedNames",
    "plainForm",
    "plainValue",
    "scalarForm",
    "scalarValue",
]

NOT_PLAIN: Any = object()
"""What both functions return for all that isn't a small plain value."""

_LONGEST = 4096
_LARGEST = 2**31 - 1
_TAGS = frozenset({b"None", b"boolean", b"unicode", b"tuple", b"dictionary"})


def passesQualifiedNames(taster: ITaster) -> bool:
    """Whether a policy is known to allow every type that has a module's name."""
    return getattr(type(taster).isTypeAllowed, "passesQualifiedNames", False)


def allowsTags(taster: ITaster, tags: frozenset[bytes]) -> bool:
    """Whether a policy is known to allow all of some tags: then it needn't be asked for each."""
    if type(taster) is SecurityPolicy:
        return taster.types >= tags
    return (
        isinstance(taster, SecurityOptions)
        and passesQualifiedNames(taster)
        and taster.allowedTypes.keys() >= tags
    )


def allowsPlain(taster: ITaster) -> bool:
    """Whether plain values may take the short cut under a policy."""
    return allowsTags(taster, _TAGS)


def scalarForm(value: Any) -> Any:
    """The form of a small scalar."""
    kind = type(value)
    if kind is int:
        return value if -_LARGEST <= value <= _LARGEST else NOT_PLAIN
    if kind is str:
        if len(value) <= _LONGEST and (value.isascii() or value.isprintable()):
            return [b"unicode", value.encode("utf-8")]
        return NOT_PLAIN
    if kind is bytes:
        return value if len(value) <= _LONGEST else NOT_PLAIN
    if kind is float:
        return value
    if value is None:
        return [b"None"]
    if kind is bool:
        return [b"boolean", b"true" if value else b"false"]
    return NOT_PLAIN


def plainForm(value: Any) -> Any:
    """
    The form of a small scalar, of a tuple of these, or of an empty dictionary:
    of what arguments and results mostly are.
    """
    kind = type(value)
    if kind is dict:
        return NOT_PLAIN if value else [b"dictionary"]
    if kind is not tuple:
        return scalarForm(value)
    form: list[Any] = [b"tuple"]
    for part in value:
        part = scalarForm(part)
        if part is NOT_PLAIN:
            return NOT_PLAIN
        form.append(part)
    return form


def scalarValue(form: Any) -> Any:
    """The value of a form that L{scalarForm} makes; those of booleans aside."""
    if type(form) is not list:
        return form
    if len(form) == 2 and form[0] == b"unicode" and type(form[1]) is bytes:
        try:
            return form[1].decode("utf-8")
        except UnicodeDecodeError:
            return NOT_PLAIN
    return None if form == [b"None"] else NOT_PLAIN


def plainValue(form: Any) -> Any:
    """
    The value of a form that L{plainForm} makes; those of booleans aside.
    """
    if type(form) is not list or not form:
        return NOT_PLAIN if form == [] else form
    tag = form[0]
    if tag == b"dictionary":
        return NOT_PLAIN if len(form) > 1 else {}
    if tag != b"tuple":
        return scalarValue(form)
    values = []
    for part in form[1:]:
        part = scalarValue(part)
        if part is NOT_PLAIN:
            return NOT_PLAIN
        values.append(part)
    return tuple(values)
