"""
A greeting for those who can say who they are.

Run it with C{python authenticated_server.py [PORT]}, then
C{authenticated_client.py}.
"""

import sys
import time

from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread import pb


class UserAvatar(pb.Avatar):
    def __init__(self, username):
        self.username = username

    def perspective_getMessage(self):
        return f"Hello, {self.username}!"

    def perspective_getTime(self):
        return time.ctime()


@implementer(portal.IRealm)
class SimpleRealm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError
        avatar = UserAvatar(avatarId.decode())
        return pb.IPerspective, avatar, avatar.logout


async def main(reactor, port="8800"):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(b"alice", b"password")
    checker.addUser(b"bob", b"secret")
    factory = pb.PBServerFactory(portal.Portal(SimpleRealm(), [checker]))
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(factory)
    print("PB server running on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
