"""
A chat server whose users can't pretend to be each other.

A group is L{pb.Viewable}: its C{view_} methods get the caller's avatar as
first argument. The library puts it there, so no client can choose it.

Run it with C{python chatserver.py [PORT]}, then C{chatclient.py} as often as
you like.
"""

import sys

from twisted.cred import checkers, portal
from twisted.internet import defer, endpoints, task
from zope.interface import implementer

from myspread import pb


class Group(pb.Viewable):
    def __init__(self, name, allowMattress):
        self.name = name
        self.allowMattress = allowMattress
        self.users = []

    def addUser(self, user):
        self.users.append(user)

    def removeUser(self, user):
        self.users.remove(user)

    def view_send(self, fromUser, message):
        if not self.allowMattress and "mattress" in message:
            raise ValueError("Don't say that word")
        for user in self.users:
            user.send(f"<{fromUser.name}> says: {message}")


class ChatServer:
    """
    Nothing here can be called from outside: users only get at it through
    their avatars.
    """

    def __init__(self):
        self.groups = {}

    def joinGroup(self, groupName, user, allowMattress):
        if groupName not in self.groups:
            self.groups[groupName] = Group(groupName, allowMattress)
        group = self.groups[groupName]
        group.addUser(user)
        return group


class User(pb.Avatar):
    def __init__(self, name, server):
        self.name = name
        self.server = server
        self.groups = []

    def attached(self, mind):
        self.remote = mind

    def detached(self):
        for group in self.groups:
            group.removeUser(self)
        self.remote = None

    def perspective_joinGroup(self, groupName, allowMattress=True):
        group = self.server.joinGroup(groupName, self, allowMattress)
        self.groups.append(group)
        return group

    def send(self, message):
        self.remote.callRemote("print", message, pbanswer=False)


@implementer(portal.IRealm)
class ChatRealm:
    def __init__(self, server):
        self.server = server

    def requestAvatar(self, avatarId, mind, *interfaces):
        assert pb.IPerspective in interfaces
        avatar = User(avatarId.decode(), self.server)
        avatar.attached(mind)
        return pb.IPerspective, avatar, avatar.detached


async def main(reactor, port="8800"):
    checker = checkers.InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(b"alice", b"1234")
    checker.addUser(b"bob", b"secret")
    checker.addUser(b"carol", b"fido")
    factory = pb.PBServerFactory(portal.Portal(ChatRealm(ChatServer()), [checker]))
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(factory)
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
