"""
The client of C{pbsimple.py}: fetch the root object and call one method.

Run it with C{python pbsimpleclient.py [PORT]}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import pb


async def echo(reactor, port, text):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    echoer = await factory.getRootObject()
    return await echoer.callRemote("echo", text)


async def main(reactor, port="8789"):
    try:
        print("server echoed:", await echo(reactor, port, "hello network"))
    except Exception as reason:
        print("error:", reason)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
