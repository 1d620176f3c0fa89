"""
The client of C{attached_server.py}: one user, logged in from two places.

Run it with C{python attached_client.py [PORT]}.
"""

import sys

from twisted.cred import credentials
from twisted.internet import defer, endpoints, task

from myspread import pb


class Place(pb.Referenceable):
    """
    The mind that the server calls with news.
    """

    def __init__(self, name):
        self.name = name
        self.updated = defer.Deferred()

    def remote_update(self, message):
        print(f"{self.name}: {message}")
        self.updated.callback(None)


async def attach(reactor, port, place):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    return await factory.login(credentials.UsernamePassword(b"alice", b"1234"), client=place)


async def main(reactor, port="8800"):
    home, office = Place("at home"), Place("in the office")
    fromHome = await attach(reactor, port, home)
    fromOffice = await attach(reactor, port, office)
    await fromHome.callRemote("announce", "the cat is fed")
    await defer.gatherResults([home.updated, office.updated])
    # Until here, holding this reference kept the office logged in.
    del fromOffice


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
