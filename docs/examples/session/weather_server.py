"""
A weather station, for those who log in.

Run it with C{python weather_server.py [PORT]}.
"""

import sys

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import defer, task
from weather_classes import Sky
from zope.interface import implementer

from myspread import pb

TEMPERATURES = {"Oslo": -3, "Rome": 14}


class Visitor(pb.Avatar):
    """What somebody who has logged in may do."""

    def __init__(self, sky):
        self.sky = sky

    def perspective_temperature(self, city):
        return TEMPERATURES[city]

    def perspective_sky(self):
        return self.sky

    def perspective_average(self):
        """A method that never gets done."""
        return defer.Deferred()


@implementer(IRealm)
class Station:
    sky = Sky("few clouds")

    def requestAvatar(self, avatarId, mind, *interfaces):
        return pb.IPerspective, Visitor(self.sky), lambda: None


async def main(reactor, port="8787"):
    users = InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")
    listening = reactor.listenTCP(
        int(port), pb.PBServerFactory(Portal(Station(), [users])), interface="127.0.0.1"
    )
    print(f"weather station on port {listening.getHost().port}")
    await defer.Deferred()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
