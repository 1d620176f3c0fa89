"""
The client of C{clock_server.py}: be told the time, and change how often.

Run it with C{python clock_client.py [PORT [PERIOD [TICKS]]]}: it leaves when
it has heard TICKS ticks that are PERIOD seconds apart.
"""

import sys
import time

from twisted.cred import credentials
from twisted.internet import defer, endpoints, task

from myspread import pb


class Listener(pb.Referenceable):
    """
    The mind: what the server calls.
    """

    def __init__(self):
        self.ticks = defer.DeferredQueue()

    def remote_notifyTime(self, now):
        self.ticks.put(now)


async def main(reactor, port="8800", period="2", ticks="5"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    listener = Listener()
    user = credentials.UsernamePassword(b"guest", b"guest")
    clock = await factory.login(user, client=listener)
    print("first tick at", time.ctime(await listener.ticks.get()))
    await clock.callRemote("setperiod", float(period))
    for _ in range(int(ticks)):
        print("tick at", time.ctime(await listener.ticks.get()))


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
