"""
Secrets, taken out of messages before anybody sees or keeps them.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["MASK", "maskAll", "maskNamed", "maskPlaces", "secretPlaces", "soundsSecret"]

MASK = [b"unicode", b"***"]
"""What stands in the place of a secret."""

_SOUNDS = re.compile(rb"pass(?:word|wd|phrase)|secret|token|credential|api_?key|private_?key", re.IGNORECASE)

_PLACES: dict[bytes, tuple[int, ...]] = {
    b"respond": (0,),
    b"finish": (0,),
    b"prove": (0,),
    b"loginToken": (0,),
    b"loginPlain": (1,),
}
"""By method of a login, which of its arguments are secret, or would let somebody guess one."""

_STEPS = (b"respond", b"finish", b"prove")
"""Methods of what is given to go on with a login."""

_OF_LOGINS = (b"login", b"loginScram")
"""Methods whose result is asked to go on with a login."""


def soundsSecret(name: Any) -> bool:
    """Whether a name says that what it stands for is secret."""
    if isinstance(name, list) and len(name) == 2 and name[0] == b"unicode":
        name = name[1]
    return isinstance(name, bytes) and _SOUNDS.search(name) is not None


def secretPlaces(method: bytes, origin: bytes | None) -> tuple[int, ...]:
    """
    The arguments of a method of a login that are secret.

    @param origin: the method that has given the object that is called; None for
        the root.
    """
    if method in _STEPS and origin not in _OF_LOGINS:
        return ()
    return _PLACES.get(method, ())


def _unwrapped(form: Any) -> Any:
    """The form that C{[reference, id, form]} is about."""
    while isinstance(form, list) and len(form) == 3 and form[0] == b"reference":
        form = form[2]
    return form


def maskPlaces(args: Any, places: tuple[int, ...]) -> None:
    """Mask some of the arguments of a call."""
    form = _unwrapped(args)
    if isinstance(form, list):
        for place in places:
            if place + 1 < len(form):
                form[place + 1] = MASK


def maskAll(args: Any) -> None:
    """Mask all arguments of a call."""
    form = _unwrapped(args)
    if isinstance(form, list):
        form[1:] = [MASK] * (len(form) - 1)


def maskNamed(form: Any) -> None:
    """Mask what stands in dictionaries under names of secrets, however deep."""
    waiting = [form]
    while waiting:
        form = waiting.pop()
        if not isinstance(form, list):
            continue
        if form[:1] == [b"dictionary"]:
            for pair in form[1:]:
                if isinstance(pair, list) and len(pair) == 2 and soundsSecret(pair[0]):
                    pair[1] = MASK
        waiting += form
