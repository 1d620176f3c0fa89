"""
What is wrong with the description of a port, for people: Twisted tells of it in
terms of its own functions, and only when it listens.
"""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import Final

from twisted.internet.error import CannotListenError

from myspread._service.descriptions import Description, takenApart

__all__ = [
    "DEFAULT_KEY",
    "KEY_MISSING",
    "WORDS",
    "WrongPort",
    "checkPlace",
    "checkPlain",
    "explained",
    "hint",
    "whyNotListening",
]

HIGHEST: Final = 65535

DEFAULT_KEY: Final = "server.pem"
"""The file of the key, and of its certificate, where none is named: as in Twisted."""

KEY_MISSING: Final = (
    "it needs the files of a private key and its certificate, such as "
    "ssl:8801:privateKey=key.pem:certKey=cert.pem"
)
"""What C{ssl:} alone is told."""

WORDS: Final = (
    "privateKey",
    "certKey",
    "extraCertChain",
    "clientCA",
    "clientCert",
    "interface",
    "backlog",
    "mode",
)
"""What is said by name."""

_UNKNOWN: Final = "Unknown endpoint type:"
"""How Twisted begins to tell of a kind that it doesn't know."""

_ARGUMENTS: Final = (
    (r"missing \d+ required positional arguments?: (.*)", "it lacks its {0}"),
    (r"unexpected keyword argument '(.*?)'", "it takes no {0}={hint}"),
    (
        r"multiple values for argument '(.*?)'",
        "its {0} is said twice; a colon within a value has a \\ before it",
    ),
    (r"takes (?:from \d+ to )?\d+ positional arguments? but", "too much follows it"),
)
"""How Python tells that a function is called in another way than it is meant, and what that means here."""


class WrongPort(ValueError):
    """
    A port that can't be. The message is one line, and says why.
    """


def checkPlace(description: str) -> None:
    """
    See to it that a port has a number that there is, or a socket a path.

    @param description: that of an endpoint with nothing above it.
    @raise WrongPort: when it hasn't.
    """
    taken = takenApart(description)
    kind = taken.positional[0]
    if kind in ("tcp", "tcp6", "ssl"):
        _checkNumber(kind, _first(taken, "port"))
    elif kind == "unix" and not _first(taken, "address"):
        raise WrongPort("unix: needs the path of a socket, such as unix:/run/pb.socket")


def checkPlain(description: str) -> None:
    """
    See to it that a description for Twisted alone makes sense: a port has a kind,
    a number that there is and, for TLS, a key.

    @raise WrongPort: when it doesn't.
    """
    kind, _, words = description.partition(":")
    if description.isdigit():
        raise WrongPort(f"an endpoint description is like tcp:{description}")
    checkPlace(description)
    if kind == "ssl" and words.isdecimal() and not os.path.exists(DEFAULT_KEY):
        raise WrongPort(KEY_MISSING)


def _first(taken: Description, name: str) -> str:
    """What is said first, or by name."""
    return taken.named.get(name, "") if len(taken.positional) < 2 else taken.positional[1]


def _checkNumber(kind: str, text: str) -> None:
    try:
        number = int(text)
    except ValueError:
        what = f"{text!r} is none" if text else "it has none"
        raise WrongPort(f"{kind}: needs the number of a port, such as {kind}:8800; {what}") from None
    if not 0 <= number <= HIGHEST:
        raise WrongPort(f"there is no port {number}: their numbers go up to {HIGHEST}; 0 is one that is free")


def explained(error: Exception) -> str:
    """
    What is wrong, in one line.

    @param error: what a description, or what it needs, has raised.
    """
    message = " ".join(str(error).split())
    if message.startswith(_UNKNOWN):
        kind = message.removeprefix(_UNKNOWN).strip()
        return f"there is no kind of port {kind}; there are tcp, tcp6, unix, ssl and systemd"
    if isinstance(error, WrongPort):
        return message
    if isinstance(error, OSError) and error.strerror:
        return f"{os.fspath(error.filename)}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, TypeError):
        for pattern, text in _ARGUMENTS:
            found = re.search(pattern, message)
            if found is not None:
                return text.format(
                    *(each.replace("'", "") for each in found.groups()), hint=hint(*found.groups())
                )
    return f"{type(error).__name__}: {message}"


def whyNotListening(error: BaseException | None) -> str:
    """
    Why a port can't be listened on, in one line.
    """
    if isinstance(error, CannotListenError) and isinstance(error.socketError, OSError):
        return error.socketError.strerror or str(error.socketError)
    if isinstance(error, OSError) and error.strerror:
        # The lock beside a UNIX socket is a link whose own text is of no interest.
        path = error.filename2 or error.filename
        return error.strerror if path is None else f"{error.strerror}: {os.fsdecode(path)}"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def hint(*names: str) -> str:
    """The word that is most like one that isn't taken, for the end of a message; empty if there is none."""
    byLowerCase = {each.lower(): each for each in WORDS}
    near = [byLowerCase[each] for name in names for each in get_close_matches(name.lower(), byLowerCase, 1)]
    return f"; do you mean {near[0]}=?" if near else ""
