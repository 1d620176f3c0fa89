"""
Errors as the user of a command sees them, and the exit status of each.
"""

from __future__ import annotations

import re

from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.cred.error import LoginFailed, Unauthorized
from twisted.internet.defer import CancelledError
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectionTimeout
from twisted.python.failure import Failure

from myspread import pb
from myspread._cli.asjson import TooLarge
from myspread._cli.status import Status
from myspread._cli.text import block, visible
from myspread._cli.usage import UsageError
from myspread.banana import BananaError

__all__ = ["Failed", "NoLogin", "statusOf", "told"]


class Failed(Exception):
    """
    What a command was to do can't be done; the text says why.

    @ivar status: the exit status.
    """

    def __init__(self, text: str, status: Status = Status.ERROR) -> None:
        super().__init__(text)
        self.status = status


class NoLogin(Exception):
    """The server refused the login; the text says why."""


_STATUSES: tuple[tuple[tuple[type[BaseException], ...], Status], ...] = (
    ((UsageError,), Status.USAGE),
    ((NoLogin,), Status.REFUSED),
    # A remote error can be any of those below as well.
    ((pb.RemoteError,), Status.ERROR),
    ((LoginFailed, Unauthorized), Status.REFUSED),
    ((pb.CallTimeout, pb.SessionTimeout, ConnectionTimeout, DeferredTimeout, TimeoutError), Status.TIMEOUT),
    ((pb.NoServer, pb.PBConnectionLost, pb.DeadReferenceError), Status.UNREACHABLE),
    ((ConnectError, ConnectionClosed, DNSLookupError, OSError), Status.UNREACHABLE),
    ((TLSError, VerificationError), Status.UNREACHABLE),
    ((pb.InsecureJelly, pb.ProtocolError, BananaError, TooLarge), Status.UNUSABLE),
    ((CancelledError, KeyboardInterrupt), Status.INTERRUPTED),
)
"""Which exceptions lead to which exit status. The first one that fits counts."""


def statusOf(error: BaseException) -> Status | None:
    """The exit status for an exception; None for one that no user can do anything about."""
    if isinstance(error, Failed):
        return error.status
    if _isOurs(error):
        return Status.USAGE
    for kinds, status in _STATUSES:
        if isinstance(error, kinds):
            return status
    return None


_argument = re.compile(r"(args|kw)\[")
"""How a text begins that is about an argument of a call."""


def _isOurs(error: BaseException) -> bool:
    """Whether it is about what we were to send, and not about what the server has sent."""
    isCodecs = isinstance(error, (pb.InsecureJelly, BananaError)) and not isinstance(error, pb.RemoteError)
    return isCodecs and _argument.match(str(error)) is not None


def _name(kind: object) -> str:
    return visible(kind if isinstance(kind, (str, bytes)) else getattr(kind, "__qualname__", str(kind)))


def _remote(error: pb.RemoteError) -> list[str]:
    name = _name(error.remoteType)
    # Everybody knows where ValueError is from.
    name = name.removeprefix("builtins.").removeprefix("exceptions.")
    lines = [f"the remote method raised {name}: {block(str(error), '    ').lstrip()}".rstrip(": ")]
    trace = error.remoteTraceback
    if trace and str(trace).strip() != "Traceback unavailable":
        lines.append(block(str(trace), "    "))
    return lines


def _whyTLS(error: TLSError) -> str:
    """OpenSSL gives a list of library, function and reason."""
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(visible(str(each[-1])) for each in reasons) or "no handshake"


def told(error: BaseException) -> str:
    """
    What went wrong, in the words of a user. It is safe for a terminal.
    """
    if isinstance(error, pb.RemoteError):
        return "\n".join(_remote(error))
    if isinstance(error, (CancelledError, KeyboardInterrupt)):
        return "interrupted"
    if isinstance(error, pb.PBConnectionLost) and error.args and isinstance(error.args[0], Failure):
        return f"the connection was lost: {visible(error.args[0].getErrorMessage())}"
    if isinstance(error, pb.DeadReferenceError):
        return "the connection was lost: nothing can be called through it any more"
    if isinstance(error, TLSError):
        return f"TLS: {_whyTLS(error)}"
    text = block(str(error)) or type(error).__name__
    if _isOurs(error):
        return f"this can't be sent: {text}"
    if isinstance(error, (pb.InsecureJelly, BananaError)):
        return f"what the server sent can't be used: {text}"
    return text
