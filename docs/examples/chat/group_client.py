"""
Alice at C{group_server.py}: she passes a group off as a user.

Run it with C{python group_client.py [PORT]}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import pb


class ClientThing(pb.Referenceable):
    def remote_print(self, message):
        print(message)


async def speak(group, sender, message):
    try:
        await group.callRemote("send", sender, message)
    except pb.RemoteError as refusal:
        print("refused:", refusal)


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    door = await factory.getRootObject()
    user = await door.callRemote("enter", "alice", ClientThing())
    group = await user.callRemote("joinGroup", "#twisted", allowMattress=False)
    await speak(group, user, "hi everybody")
    await speak(group, user, "buy a mattress")
    await speak(group, group, "hi from nobody")
    checked = await user.callRemote("joinGroup", "#checked", checked=True)
    await speak(checked, user, "hi everybody")
    await speak(checked, checked, "hi from nobody")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
