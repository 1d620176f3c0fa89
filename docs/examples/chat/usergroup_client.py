"""
Alice at C{usergroup_server.py}: all that she can say is what she says.

Run it with C{python usergroup_client.py [PORT]}.
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
    group = await user.callRemote("joinGroup", "#twisted", allowMattress=False)
    await group.callRemote("send", "hi everybody")
    try:
        await group.callRemote("send", "buy a mattress")
    except pb.RemoteError as refusal:
        print("refused:", refusal)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
