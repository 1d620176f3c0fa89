"""
The client of C{caching_server.py}: log in twice at the same time, and again.

Run it with C{python caching_client.py [PORT...]}: against each of the ports
given, or else 8800 to 8803.
"""

import sys

from twisted.cred import credentials
from twisted.internet import defer, endpoints, task

from myspread import pb


async def greetOver(reactor, port):
    """
    Log in over a new connection, print a greeting and return the avatar.

    The user stays logged in for as long as somebody holds the avatar.
    """
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    try:
        avatar = await factory.login(credentials.UsernamePassword(b"alice", b"1234"))
    except pb.RemoteError as refusal:
        print(" refused:", refusal)
        factory.disconnect()
        return None
    print("", await avatar.callRemote("greet"))
    return avatar


async def leave(avatar):
    left = defer.Deferred()
    avatar.notifyOnDisconnect(left.callback)
    avatar.broker.transport.loseConnection()
    await left


async def main(reactor, *ports):
    for number, port in enumerate(ports or ["8800", "8801", "8802", "8803"], 1):
        print("realm", number)
        first = await greetOver(reactor, port)
        second = await greetOver(reactor, port)
        for avatar in (first, second):
            if avatar is not None:
                await leave(avatar)
        await leave(await greetOver(reactor, port))


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
