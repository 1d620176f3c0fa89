"""
An avatar that hears of its user's departure.

Run it with C{python cred_server.py [PORT]}, then C{cred_client.py}.
"""

import sys

from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread import pb


class SimplePerspective(pb.Avatar):
    def perspective_echo(self, text):
        print("echoing", text)
        return text

    def logout(self):
        print(self, "logged out")


@implementer(portal.IRealm)
class SimpleRealm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError("no interface")
        avatar = SimplePerspective()
        return pb.IPerspective, avatar, avatar.logout


async def main(reactor, port="9986"):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(b"guest", b"password")
    factory = pb.PBServerFactory(portal.Portal(SimpleRealm(), [checker]))
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(factory)
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
