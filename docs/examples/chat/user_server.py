"""
A chat server that keeps the sender's name itself: the second of four steps.

Each client gets a C{User} of its own to call, which knows whose it is. What
would have to be true of an argument is state of an object instead, where no
client can change it. C{group_server.py} goes on from here.

Run it with C{python user_server.py [PORT]}, then C{user_client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class User(pb.Referenceable):
    def __init__(self, username, server, client):
        self.name = username
        self.server = server
        self.remote = client

    def remote_joinGroup(self, groupName):
        self.server.joinGroup(groupName, self)

    def remote_sendMessage(self, groupName, message):
        self.server.sendMessage(self.name, groupName, message)

    def send(self, message):
        self.remote.callRemote("print", message, pbanswer=False)


class ChatServer:
    """
    It has no remote methods: users only get at it through their C{User}.
    """

    def __init__(self):
        self.groups = {}

    def joinGroup(self, groupName, user):
        self.groups.setdefault(groupName, []).append(user)

    def sendMessage(self, fromUsername, groupName, message):
        print(f"{fromUsername} sends to {groupName}")
        for user in self.groups[groupName]:
            user.send(f"<{fromUsername}> says: {message}")


class Door(pb.Root):
    """
    Stands for a login, which is another topic: it believes the name it hears.
    """

    def __init__(self, server):
        self.server = server

    def remote_enter(self, username, client):
        return User(username, self.server, client)


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(Door(ChatServer())))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
