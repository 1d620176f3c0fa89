"""
Serve the realms of C{realms.py}, each on a port of its own.

Run it with C{python realms_server.py [PORT...]}, then C{realms_client.py}. The
ports are those of the realms in C{REALMS}: 8800 to 8804 if none are given.
"""

import sys

from realms import DatabaseRealm, OneAvatarRealm, OwnGuestRealm, SharedGuestRealm, StaticRealm
from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task

from myspread import pb

REALMS = [StaticRealm, OneAvatarRealm, SharedGuestRealm, OwnGuestRealm, DatabaseRealm]


async def main(reactor, *ports):
    users = checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"1234", bob=b"secret")
    for realm, port in zip(REALMS, ports or ["8800", "8801", "8802", "8803", "8804"], strict=False):
        doors = portal.Portal(realm(), [users, checkers.AllowAnonymousAccess()])
        endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
        listening = await endpoint.listen(pb.PBServerFactory(doors))
        print(f"{realm.__name__} listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
