"""
Find what a server shall serve, and what it shall accept, from their names on a
command line.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from twisted.cred.portal import Portal
from twisted.spread.pb import Root as StockRoot

from myspread._flavors.referencing import Root
from myspread._jelly import globalSecurity
from myspread._login.avatars import JellyableAvatarMixin
from myspread._service.named import find
from myspread.interfaces import IPBRoot
from myspread.security import SecurityOptions, SecurityPolicy

__all__ = ["describing", "findPolicy", "findRoot", "mayLogIn"]

_OPEN = (Root.rootObject, StockRoot.rootObject)
"""Methods that give each connection the root itself."""


def findRoot(name: str) -> Any:
    """
    Find the root object, or make it.

    @param name: C{package.module:object}; see L{find}.
    @return: what a server factory takes as its root: an L{IPBRoot} provider,
        something that can be adapted to it, or a L{Portal}.
    @raise NotFound: when there is none under that name.
    """
    return find(name, "root", "does not provide IPBRoot", _isRoot)


def mayLogIn(root: Any) -> bool:
    """
    Whether clients of a root may be such that log in: to a L{Portal}, or to a
    login that the root has of its own.
    """
    if isinstance(root, (Portal, JellyableAvatarMixin)):
        return True
    return getattr(type(root), "rootObject", None) not in _OPEN


def findPolicy(name: str) -> Any:
    """
    Find the policy, or make it.

    @param name: C{package.module:object}; see L{find}.
    @return: a L{SecurityPolicy} or L{SecurityOptions}.
    @raise NotFound: when there is none under that name.
    """
    return find(name, "policy", "is neither a SecurityPolicy nor SecurityOptions", _isPolicy)


def describing(policy: SecurityPolicy | SecurityOptions | None) -> SecurityPolicy | SecurityOptions:
    """
    A policy that lets clients ask what can be called, and is like another one.

    @param policy: the other one; None for the default one.
    """
    if isinstance(policy, SecurityPolicy):
        return policy.allowDescribing()
    # What it has is shared, so that classes that are registered later are allowed by both.
    described = copy(globalSecurity if policy is None else policy)
    described.describing = True
    return described


def _isRoot(candidate: Any) -> bool:
    return isinstance(candidate, Portal) or IPBRoot(candidate, None) is not None


def _isPolicy(candidate: Any) -> bool:
    return isinstance(candidate, (SecurityPolicy, SecurityOptions))
