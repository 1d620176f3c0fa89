"""
A clock that calls its clients.

The mind that a client hands over at login is a reference to an object there.
The avatar calls it at every tick, until the client logs out.

Run it with C{python clock_server.py [PORT]}, then C{clock_client.py}.
"""

import sys
import time

from twisted.application import internet
from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread import pb


class ClockAvatar(pb.Avatar):
    def __init__(self, client):
        self.client = client
        self.startTicking(1)

    def startTicking(self, period):
        self.ticker = internet.TimerService(period, self.tellTime)
        self.ticker.startService()

    def tellTime(self):
        self.client.callRemote("notifyTime", time.time(), pbanswer=False)

    def perspective_setperiod(self, period):
        print("ticking every", period, "seconds")
        self.ticker.stopService()
        self.startTicking(period)

    def logout(self):
        self.ticker.stopService()
        print("stopped ticking")


@implementer(portal.IRealm)
class Realm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError
        avatar = ClockAvatar(mind)
        return pb.IPerspective, avatar, avatar.logout


async def main(reactor, port="8800"):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse(guest=b"guest")
    factory = pb.PBServerFactory(portal.Portal(Realm(), [checker]))
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(factory)
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
