"""
Send an object by value: the receiver gets a copy of its state.

Run it with C{python copy_sender.py [PORT]}, against C{copy_receiver.tac}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import jelly, pb


class LilyPond:
    def setStuff(self, color, numFrogs):
        self.color = color
        self.numFrogs = numFrogs

    def countFrogs(self):
        print(f"{self.numFrogs} frogs")


class CopyPond(LilyPond, pb.Copyable):
    """
    A L{LilyPond} that may travel.
    """


def arrived(response):
    print("pond arrived", response)


def refused(failure):
    print("error during takePond:")
    if failure.check(jelly.InsecureJelly):
        print(" InsecureJelly")
    else:
        print("", failure.getErrorMessage())


async def main(reactor, port="8800"):
    pond = CopyPond()
    pond.setStuff("green", 7)
    pond.countFrogs()
    # The name by which the receiver has to know the class.
    print(f"{CopyPond.__module__}.{CopyPond.__name__}")

    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    receiver = await factory.getRootObject()
    await receiver.callRemote("takePond", pond).addCallbacks(arrived, refused)


if __name__ == "__main__":
    # The class travels under the name of its module, and that of a running
    # script is __main__, which would mean something else to the receiver.
    import copy_sender

    task.react(copy_sender.main, sys.argv[1:])
