"""
An object for each user in each group: the last of four steps.

C{UserGroup} knows who speaks and where, so its method takes the message and
nothing that would have to be checked. A client that holds one can do this one
thing. L{pb.Viewable} gives the same with less to write: see C{chatserver.py}.

Run it with C{python usergroup_server.py [PORT]}, then C{usergroup_client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class User(pb.Referenceable):
    def __init__(self, username, server, client):
        self.name = username
        self.server = server
        self.remote = client

    def remote_joinGroup(self, groupName, allowMattress=True):
        return UserGroup(self, self.server.joinGroup(groupName, self, allowMattress))

    def send(self, message):
        self.remote.callRemote("print", message, pbanswer=False)


class UserGroup(pb.Referenceable):
    def __init__(self, user, group):
        self.user = user
        self.group = group

    def remote_send(self, message):
        self.group.send(self.user.name, message)


class Group:
    def __init__(self, name, allowMattress):
        self.name = name
        self.allowMattress = allowMattress
        self.users = []

    def send(self, fromName, message):
        if not self.allowMattress and "mattress" in message:
            raise pb.Error("Don't say that word")
        print(f"{fromName} sends to {self.name}")
        for user in self.users:
            user.send(f"<{fromName}> says: {message}")

    def addUser(self, user):
        self.users.append(user)


class ChatServer:
    def __init__(self):
        self.groups = {}

    def joinGroup(self, groupName, user, allowMattress):
        if groupName not in self.groups:
            self.groups[groupName] = Group(groupName, allowMattress)
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
