"""
The client of C{authenticated_server.py}.

Run it with C{python authenticated_client.py [PORT]}.
"""

import sys

from twisted.cred import credentials
from twisted.internet import endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    avatar = await factory.login(credentials.UsernamePassword(b"alice", b"password"))
    print("Message:", await avatar.callRemote("getMessage"))
    print("Server time:", await avatar.callRemote("getTime"))


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
