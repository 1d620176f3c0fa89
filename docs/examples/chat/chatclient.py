"""
The client of C{chatserver.py}: join a group, say something, and listen.

Run it with C{python chatclient.py [PORT [USER PASSWORD [MESSAGES]]]}: it leaves
when it has heard MESSAGES messages, its own included.
"""

import sys

from twisted.cred import credentials
from twisted.internet import defer, endpoints, task

from myspread import pb


class Client(pb.Referenceable):
    """
    The mind, through which the server reaches this user.
    """

    def __init__(self):
        self.messages = defer.DeferredQueue()

    def remote_print(self, message):
        print(message)
        self.messages.put(message)


async def main(reactor, port="8800", user="alice", password="1234", messages="1"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    client = Client()
    secret = credentials.UsernamePassword(user.encode(), password.encode())
    # Dropping the last reference to the avatar would log this user out.
    perspective = await factory.login(secret, client=client)
    print("connected, joining group #NeedAFourth")
    group = await perspective.callRemote("joinGroup", "#NeedAFourth")
    print("joined group, now sending a message to all members")
    await group.callRemote("send", "You can call me Al.")
    for _ in range(int(messages)):
        await client.messages.get()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
