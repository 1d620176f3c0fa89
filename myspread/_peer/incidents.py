"""
What the peer sees of an error that it isn't meant to see.
"""

from __future__ import annotations

import secrets
from typing import Any

from twisted.cred.error import LoginFailed
from twisted.python.failure import Failure
from twisted.spread.jelly import Jellyable as StockJellyable

from myspread._errors import Error, Incident, NoSuchMethod
from myspread.security import ITaster, declarationOf

__all__ = ["newIncident", "refusal", "showsText", "travelsAsValue"]


def showsText(security: ITaster) -> bool:
    """Whether a policy lets the peer see type and text of any error."""
    return getattr(security, "errors", "text") != "incident"


def travelsAsValue(error: Any, security: ITaster) -> bool:
    """Whether an exception is sent itself, as any other value."""
    return isinstance(error, StockJellyable) or security.isClassAllowed(error.__class__)


def refusal(failure: Failure, security: ITaster) -> Failure | None:
    """
    The form in which a failure may be seen under a policy that doesn't show
    the text of errors: itself, if the application means it to be seen; or if
    it says no more than what is wrong with the call. None for all others.
    """
    error = failure.value
    isMeant = failure.check(Error, LoginFailed) is not None or declarationOf(type(error)) is not None
    if isMeant or travelsAsValue(error, security):
        return failure
    text = getattr(error, "refusal", None)
    if not isinstance(text, str):
        return None
    # The text of Python's own tells the class of the object.
    isOurs = not isinstance(error, AttributeError) or isinstance(error, NoSuchMethod)
    return failure if isOurs else Failure(NoSuchMethod(text))


def newIncident() -> Incident:
    """An incident under a new id."""
    return Incident(secrets.token_hex(4))
