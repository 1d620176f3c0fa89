"""
Alice at C{user_server.py}: she can't name another sender any longer.

Run it with C{python user_client.py [PORT]}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import pb


class ClientThing(pb.Referenceable):
    def remote_print(self, message):
        print(message)


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    door = await factory.getRootObject()
    user = await door.callRemote("enter", "alice", ClientThing())
    await user.callRemote("joinGroup", "#twisted")
    await user.callRemote("sendMessage", "#twisted", "Hi, my name is alice.")
    try:
        await user.callRemote("sendMessage", "bob", "#twisted", "I like pork")
    except pb.RemoteError:
        print("there is no way to speak as bob")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
