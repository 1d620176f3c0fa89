"""
An avatar that knows which clients are attached to it, and updates them all.

The realm tells the avatar of each new client. What it returns as third is
called when that client goes.

Run it with C{python attached_server.py [PORT]}, then C{attached_client.py}.
"""

import sys

from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread import pb


class MyPerspective(pb.Avatar):
    def __init__(self):
        self.clients = []

    def attached(self, mind):
        self.clients.append(mind)
        print("attached to", mind)

    def detached(self, mind):
        self.clients = [client for client in self.clients if client is not mind]
        print("detached from", mind)

    def update(self, message):
        for client in self.clients:
            client.callRemote("update", message, pbanswer=False)

    def perspective_announce(self, message):
        self.update(message)


@implementer(portal.IRealm)
class MyRealm:
    def __init__(self):
        self.avatars = {b"alice": MyPerspective()}

    def requestAvatar(self, avatarId, mind, *interfaces):
        assert pb.IPerspective in interfaces
        avatar = self.avatars[avatarId]
        avatar.attached(mind)
        return pb.IPerspective, avatar, lambda: avatar.detached(mind)


async def main(reactor, port="8800"):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"1234")
    factory = pb.PBServerFactory(portal.Portal(MyRealm(), [checker]))
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(factory)
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
