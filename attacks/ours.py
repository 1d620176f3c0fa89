"""
The roots for C{twistd pbserver}.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.portal import Portal

from attacks.served import AvatarMethods, RootMethods, checker
from myspread import pb

__all__ = ["Root", "portal"]


class Root(RootMethods, pb.Root):
    """The root object."""


class _Avatar(AvatarMethods, pb.Avatar):
    pass


class _Realm(pb.Realm):
    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        return pb.IPerspective, _Avatar(), lambda: None


def portal() -> Portal:
    """A portal that leads to avatars."""
    return Portal(_Realm(), [checker()])
