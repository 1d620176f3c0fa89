"""
C{python -m attacks.stock Root ENDPOINT}: the same as C{twistd pbserver}, on C{twisted.spread}.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.python import log
from twisted.spread import pb
from zope.interface import implementer

from attacks.served import AvatarMethods, RootMethods, checker

__all__ = ["Root", "portal"]


class Root(RootMethods, pb.Root):
    """The root object."""


class _Avatar(AvatarMethods, pb.Avatar):
    pass


@implementer(IRealm)
class _Realm:
    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        return pb.IPerspective, _Avatar(), lambda: None


def portal() -> Portal:
    """A portal that leads to avatars."""
    return Portal(_Realm(), [checker()])


def _main(name: str, description: str) -> None:
    log.startLogging(sys.stdout)
    root: Any = {"Root": Root, "portal": portal}[name]()
    serverFromString(reactor, description).listen(pb.PBServerFactory(root))
    reactor.run()


if __name__ == "__main__":
    _main(*sys.argv[1:])
