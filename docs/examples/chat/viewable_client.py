"""
The client of C{viewable_server.py}: two users call the same object.

Run it with C{python viewable_client.py [PORT]}.
"""

import sys

from twisted.cred import credentials
from twisted.internet import endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    for name, password in ((b"alice", b"1234"), (b"bob", b"secret")):
        factory = pb.PBClientFactory()
        endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
        await endpoint.connect(factory)
        user = await factory.login(credentials.UsernamePassword(name, password))
        foo = await user.callRemote("getFoo")
        print("server says:", await foo.callRemote("doFoo", 1, 2))


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
