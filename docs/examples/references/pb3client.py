"""
The client of C{pb3server.py}: give the server an object of ours to call.

Run it with C{python pb3client.py [PORT]}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import pb


class Two(pb.Referenceable):
    def remote_print(self, argument):
        print("Two.print() called with", argument)


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    one = await factory.getRootObject()
    print("got One:", one)
    print("giving it our two")
    await one.callRemote("takeTwo", Two())


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
