"""
A whole application: a store for each user, kept by their avatar.

Run it with C{python data_server.py [PORT]}, then C{data_client.py}.
"""

import sys

import data_classes  # noqa: F401 - declares SharedData
from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread import pb


class DataService(pb.Avatar):
    def __init__(self, username):
        self.username = username
        self.data = {}

    def perspective_store(self, key, data):
        self.data[key] = data
        return f"Stored {key} for {self.username}"

    def perspective_retrieve(self, key):
        if key not in self.data:
            raise KeyError(f"No data for key: {key}")
        return self.data[key]

    def perspective_list_keys(self):
        return list(self.data)


@implementer(portal.IRealm)
class DataRealm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        if pb.IPerspective not in interfaces:
            raise NotImplementedError
        return pb.IPerspective, DataService(avatarId.decode()), lambda: None


async def main(reactor, port="8800"):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(b"user1", b"pass1")
    checker.addUser(b"user2", b"pass2")
    factory = pb.PBServerFactory(portal.Portal(DataRealm(), [checker]))
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(factory)
    print("PB data service running on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
