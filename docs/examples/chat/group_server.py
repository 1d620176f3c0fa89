"""
Groups that are told who speaks by an unforgeable reference: the third step.

A client hands its C{User} back as the sender, and the server finds the very
object that it gave out. But any object with a name would do: so a client can
pass a C{Group}, and speak in its name. C{CheckedGroup} looks at what it gets.
C{usergroup_server.py} does without the argument.

Run it with C{python group_server.py [PORT]}, then C{group_client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class User(pb.Referenceable):
    def __init__(self, username, server, client):
        self.name = username
        self.server = server
        self.remote = client

    def remote_joinGroup(self, groupName, allowMattress=True, checked=False):
        return self.server.joinGroup(groupName, self, allowMattress, checked)

    def send(self, message):
        self.remote.callRemote("print", message, pbanswer=False)


class Group(pb.Referenceable):
    def __init__(self, name, allowMattress):
        self.name = name
        self.allowMattress = allowMattress
        self.users = []

    def remote_send(self, fromUser, message):
        if not self.allowMattress and "mattress" in message:
            raise pb.Error("Don't say that word")
        print(f"{fromUser.name} sends to {self.name}")
        for user in self.users:
            user.send(f"<{fromUser.name}> says: {message}")

    def addUser(self, user):
        self.users.append(user)


class CheckedGroup(Group):
    def remote_send(self, fromUser, message):
        if not isinstance(fromUser, User):
            raise pb.Error("That is not a user")
        super().remote_send(fromUser, message)


class ChatServer:
    def __init__(self):
        self.groups = {}

    def joinGroup(self, groupName, user, allowMattress, checked):
        if groupName not in self.groups:
            groupClass = CheckedGroup if checked else Group
            self.groups[groupName] = groupClass(groupName, allowMattress)
        self.groups[groupName].addUser(user)
        return self.groups[groupName]


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
