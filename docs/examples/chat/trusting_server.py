"""
A chat server that believes what it is told: the first of four steps.

Every client can name any user as the sender of a message, so everybody can
pretend to be anybody else. C{user_server.py} is better.

Run it with C{python trusting_server.py [PORT]}, then C{trusting_client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class ChatServer(pb.Root):
    def __init__(self):
        self.groups = {}
        self.users = {}

    def remote_enter(self, username, client):
        self.users[username] = client

    def remote_joinGroup(self, username, groupName):
        self.groups.setdefault(groupName, []).append(self.users[username])

    def remote_sendMessage(self, fromUsername, groupName, message):
        print(f"{fromUsername} sends to {groupName}")
        for user in self.groups[groupName]:
            user.callRemote("print", f"<{fromUsername}> says: {message}", pbanswer=False)


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(ChatServer()))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
