"""
Two ways in which an object fails to travel, both told as C{InsecureJelly}.

The first pond is of a plain class: this side refuses to send it, because of
the factory's security policy. (Without that policy a placeholder goes out.)
The second one may travel as far as this side is concerned, but the receiver
never declared its class, and so refuses it.

Run it with C{python undeclared_sender.py [PORT]}, against
C{undeclared_receiver.py}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import jelly, pb


class LilyPond:
    def __init__(self, frogs):
        self.frogs = frogs


class CopyPond(LilyPond, pb.Copyable):
    """
    A L{LilyPond} that may travel.
    """


def arrived(response):
    print(" pond arrived", response)


def refused(failure):
    failure.trap(jelly.InsecureJelly)
    print(" InsecureJelly:", failure.getErrorMessage())


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory(security=pb.SecurityPolicy(unsendable="raise"))
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    receiver = await factory.getRootObject()
    print("sending a LilyPond")
    await receiver.callRemote("sendPond", LilyPond(12)).addCallbacks(arrived, refused)
    print("sending a CopyPond")
    await receiver.callRemote("sendPond", CopyPond(12)).addCallbacks(arrived, refused)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
