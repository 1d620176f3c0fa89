"""
Send a pond once, then change it: the receiver's copy follows.

Run it with C{python cache_sender.py [PORT]}, against C{cache_receiver.py}.
"""

import sys

from cache_classes import MasterDuckPond
from twisted.internet import defer, endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    pond = MasterDuckPond(["one duck", "two duck"])
    pond.count()

    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    receiver = await factory.getRootObject()
    await receiver.callRemote("takePond", pond)

    pond.addDuck("ugly duckling")
    pond.count()
    await receiver.callRemote("checkDucks")

    pond.removeDuck("one duck")
    pond.count()
    await receiver.callRemote("checkDucks")

    await receiver.callRemote("ignorePond")
    await pond.abandoned
    print(f"[{len(pond.observers)}] observers are left")

    disconnected = defer.Deferred()
    receiver.notifyOnDisconnect(disconnected.callback)
    receiver.callRemote("shutdown", pbanswer=False)
    await disconnected


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
