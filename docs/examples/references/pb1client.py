"""
The client of C{pb1server.py}: ask one remote object for another and call that.

Run it with C{python pb1client.py [PORT]}.
"""

import sys

from twisted.internet import endpoints, error, task

from myspread import pb


async def getFirstObject(reactor, port):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    return await factory.getRootObject()


async def main(reactor, port="8800"):
    try:
        one = await getFirstObject(reactor, port)
    except error.ConnectError as reason:
        print("error getting first object:", reason)
        return
    print("got first object:", one)
    print("asking it to getTwo")
    two = await one.callRemote("getTwo")
    print("got second object:", two)
    print("telling it to do three(12)")
    await two.callRemote("three", 12)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
