"""
Alice at C{trusting_server.py}: she speaks as herself, and then as Bob.

Run it with C{python trusting_client.py [PORT]}.
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
    server = await factory.getRootObject()
    await server.callRemote("enter", "alice", ClientThing())
    await server.callRemote("joinGroup", "alice", "#twisted")
    await server.callRemote("sendMessage", "alice", "#twisted", "Hi, my name is alice.")
    await server.callRemote("sendMessage", "bob", "#twisted", "I like pork")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
