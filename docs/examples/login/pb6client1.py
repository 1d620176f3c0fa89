"""
Log in to C{pb6server.py} as the user C{user1}.

Run it with C{python pb6client1.py [PORT]}.
"""

import sys

from twisted.cred import credentials
from twisted.internet import endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    perspective = await factory.login(credentials.UsernamePassword(b"user1", b"pass1"))
    print("got perspective1 ref:", perspective)
    print("asking it to foo(13)")
    await perspective.callRemote("foo", 13)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
