"""
Hand one object to several users, each of whom sees it differently.

Run it with C{python foo_server.py [PORT]}, then C{foo_client.py}.
"""

import sys

from foo_classes import Foo
from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread import pb


class User(pb.Avatar):
    def __init__(self, name, foo):
        self.name = name
        self.foo = foo

    def perspective_getFoo(self):
        return self.foo


@implementer(portal.IRealm)
class Realm:
    def __init__(self, foo):
        self.foo = foo

    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError
        return pb.IPerspective, User(avatarId.decode(), self.foo), lambda: None


async def main(reactor, port="8800"):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"1234", bob=b"secret")
    doors = portal.Portal(Realm(Foo("alice", 42)), [checker])
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(doors))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
