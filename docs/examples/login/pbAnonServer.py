"""
A server that lets in users by password, and everybody else anonymously.

A user gets a C{MyPerspective} with their name, anybody else one that is named
C{Anonymous}. (A real service would keep a user from choosing that name.)

Run it with C{python pbAnonServer.py [PORT]}, then C{pbAnonClient.py}.
"""

import sys

from twisted.cred.checkers import (
    ANONYMOUS,
    AllowAnonymousAccess,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.portal import IRealm, Portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread.pb import Avatar, IPerspective, PBServerFactory


class MyPerspective(Avatar):
    """
    @ivar name: Who logged in, or C{"Anonymous"}.
    """

    def __init__(self, name):
        self.name = name

    def perspective_foo(self, argument):
        print(f"I am {self.name}.  perspective_foo({argument}) called on {self}.")


@implementer(IRealm)
class MyRealm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        if IPerspective not in interfaces:
            raise NotImplementedError("MyRealm only handles IPerspective")
        name = "Anonymous" if avatarId is ANONYMOUS else avatarId.decode()
        return IPerspective, MyPerspective(name), lambda: None


async def main(reactor, port="8800"):
    users = InMemoryUsernamePasswordDatabaseDontUse(user1=b"pass1", user2=b"pass2")
    portal = Portal(MyRealm(), [users, AllowAnonymousAccess()])
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(PBServerFactory(portal))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
