"""
The client of C{pb2server.py}: hand a reference back to where it came from.

Run it with C{python pb2client.py [PORT]}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    one = await factory.getRootObject()
    print("got one object:", one)
    print("asking it to getTwo")
    two = await one.callRemote("getTwo")
    print("got two object:", two)
    print("giving it back to one")
    print("one is", one)
    await one.callRemote("checkTwo", two)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
