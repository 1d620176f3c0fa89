"""
Send a pond that decides itself what to reveal; see C{copy2_classes.py}.

Run it with C{python copy2_sender.py [PORT]}, against C{copy2_receiver.py}.
"""

import sys

from copy2_classes import SenderPond
from twisted.internet import endpoints, task

from myspread import jelly, pb


def arrived(response):
    print("pond arrived", response)


def refused(failure):
    print("error during takePond:")
    if failure.check(jelly.InsecureJelly):
        print(" InsecureJelly")
    else:
        print("", failure.getErrorMessage())


async def main(reactor, port="8800"):
    pond = SenderPond(3, 4)
    print("count", pond.count())

    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    receiver = await factory.getRootObject()
    await receiver.callRemote("takePond", pond).addCallbacks(arrived, refused)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
