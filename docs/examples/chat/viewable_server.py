"""
One object for all users, which still knows which of them calls it.

Run it with C{python viewable_server.py [PORT]}, then C{viewable_client.py}.
"""

import sys

from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread import pb


class Foo(pb.Viewable):
    def view_doFoo(self, perspective, first, second):
        print(f"{perspective.name} did foo with {first} and {second}")
        return f"thank you, {perspective.name}"


class User(pb.Avatar):
    def __init__(self, name, foo):
        self.name = name
        self.foo = foo

    def perspective_getFoo(self):
        return self.foo


@implementer(portal.IRealm)
class Realm:
    def __init__(self):
        self.foo = Foo()

    def requestAvatar(self, avatarId, mind, *interfaces):
        assert pb.IPerspective in interfaces
        return pb.IPerspective, User(avatarId.decode(), self.foo), lambda: None


async def main(reactor, port="8800"):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"1234", bob=b"secret")
    factory = pb.PBServerFactory(portal.Portal(Realm(), [checker]))
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(factory)
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
