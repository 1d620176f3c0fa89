"""
The client of C{pbAnonServer.py}: log in without a name and with one.

Run it with C{python pbAnonClient.py [PORT]}.
"""

import sys

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.internet import defer, endpoints, task

from myspread.pb import PBClientFactory


async def connected(login):
    perspective = await login
    print("got perspective ref:", perspective)
    print("asking it to foo(13)")
    await perspective.callRemote("foo", 13)


async def main(reactor, port="8800"):
    factory = PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    logins = [
        factory.login(Anonymous()),
        factory.login(UsernamePassword(b"user1", b"pass1")),
    ]
    await defer.gatherResults([defer.ensureDeferred(connected(login)) for login in logins])


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
