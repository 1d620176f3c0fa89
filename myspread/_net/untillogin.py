"""
What is accepted of a peer until it has logged in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from twisted.spread.jelly import unjellyableRegistry as _stockUnjellyables
from twisted.spread.pb import RemoteReference as StockReference

from myspread._flavors.remote import RemoteReference
from myspread._jelly.registry import defaultRegistry
from myspread.security import LOGIN_POLICY, Errors, ITaster, SecurityPolicy, Unsendable

__all__ = ["policyUntilLogin"]

_REFERENCES = (RemoteReference, StockReference)

Registered = tuple[tuple[bytes, Any], ...]


def policyUntilLogin(policy: ITaster) -> SecurityPolicy:
    """
    C{LOGIN_POLICY}, with what a policy says of the values and errors that we
    send, and with the references that it allows under tags of their own.

    Such is the mind of C{twisted.words}. Like any reference it is made of
    nothing but an id of the peer's.
    """
    return _policy(
        getattr(policy, "unsendable", LOGIN_POLICY.unsendable),
        getattr(policy, "errors", LOGIN_POLICY.errors),
        tuple(
            (tag, unjellyable)
            for tag, unjellyable in _registered(policy)
            if _isReference(unjellyable) and tag not in LOGIN_POLICY.types and policy.isTypeAllowed(tag)
        ),
    )


@lru_cache(maxsize=16)
def _policy(unsendable: Unsendable, errors: Errors, references: Registered) -> SecurityPolicy:
    # Shared by all connections.
    return replace(LOGIN_POLICY, unsendable=unsendable, errors=errors, unjellyables=dict(references))


def _registered(policy: ITaster) -> Iterable[tuple[bytes, Any]]:
    if isinstance(policy, SecurityPolicy):
        return policy.unjellyables.items()
    theirs: dict[Any, Any] = _stockUnjellyables
    return {**theirs, **defaultRegistry.unjellyables}.items()


def _isReference(unjellyable: Any) -> bool:
    """Whether something is a class of references that are made as any are."""
    if not isinstance(unjellyable, type) or not issubclass(unjellyable, _REFERENCES):
        return False
    made: Any = unjellyable
    return any(
        made.unjellyFor is reference.unjellyFor
        and made.__init__ is reference.__init__
        and made.__new__ is reference.__new__
        for reference in _REFERENCES
    )
