"""
Serve the realms of C{caching_realms.py}, each on a port of its own.

Run it with C{python caching_server.py [PORT...]}, then C{caching_client.py}.
The ports are those of the shared avatar, the shared greeter, the counted and
the limited connections, in that order: 8800 to 8803 if none are given.
"""

import sys

from caching_realms import (
    AvatarCachingRealm,
    ConnectionCountingRealm,
    ConnectionLimitingRealm,
    GreeterCachingRealm,
)
from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task

from myspread import pb

REALMS = [
    AvatarCachingRealm,
    GreeterCachingRealm,
    ConnectionCountingRealm,
    ConnectionLimitingRealm,
]


async def main(reactor, *ports):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"1234")
    for realm, port in zip(REALMS, ports or ["8800", "8801", "8802", "8803"], strict=False):
        doors = portal.Portal(realm(), [checker])
        endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
        listening = await endpoint.listen(pb.PBServerFactory(doors))
        print(f"{realm.__name__} listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
