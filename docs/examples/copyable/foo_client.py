"""
The client of C{foo_server.py}: two users look at the same object.

Run it with C{python foo_client.py [PORT]}.
"""

import sys

import foo_classes  # noqa: F401 - declares RemoteFoo
from twisted.cred import credentials
from twisted.internet import endpoints, task

from myspread import pb


async def look(reactor, port, name, password):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    user = await factory.login(credentials.UsernamePassword(name, password))
    foo = await user.callRemote("getFoo")
    print(f"{name.decode()} got a {type(foo).__name__}: {foo.describe()}")


async def main(reactor, port="8800"):
    await look(reactor, port, b"alice", b"1234")
    await look(reactor, port, b"bob", b"secret")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
