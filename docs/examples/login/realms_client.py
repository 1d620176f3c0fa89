"""
The client of C{realms_server.py}: see who serves whom.

Alice and a guest log in, and both once more, over a connection of their own
each time.

Run it with C{python realms_client.py [PORT...]}: against each of the ports
given, or else 8800 to 8804.
"""

import sys

from twisted.cred import credentials
from twisted.internet import endpoints, task

from myspread import pb

ALICE = credentials.UsernamePassword(b"alice", b"1234")
GUEST = credentials.Anonymous()


async def visit(reactor, port, name, secret):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    try:
        avatar = await factory.login(secret)
    except pb.RemoteError:
        print(f" {name} is refused")
        factory.disconnect()
        return
    print(f" {name} is served by", await avatar.callRemote("visit"))


async def main(reactor, *ports):
    for number, port in enumerate(ports or ["8800", "8801", "8802", "8803", "8804"], 1):
        print("realm", number)
        for _ in range(2):
            await visit(reactor, port, "alice", ALICE)
            await visit(reactor, port, "guest", GUEST)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
