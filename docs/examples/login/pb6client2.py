"""
Log in to C{pb6server.py} as the user C{user2}.

Run it with C{python pb6client2.py [PORT]}.
"""

import sys

from twisted.cred import credentials
from twisted.internet import endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    perspective = await factory.login(credentials.UsernamePassword(b"user2", b"pass2"))
    print("got perspective2 ref:", perspective)
    print("asking it to foo(14)")
    await perspective.callRemote("foo", 14)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
