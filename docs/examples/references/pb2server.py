"""
A reference that goes out and comes home is the object itself again.

The server gives out its C{Two}. When a client hands that reference back, the
server finds its own C{Two} among the arguments, not a reference to it.

Run it with C{python pb2server.py [PORT]}, then C{pb2client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class Two(pb.Referenceable):
    def remote_print(self, argument):
        print("Two.print was given", argument)


class One(pb.Root):
    def __init__(self, two):
        self.two = two

    def remote_getTwo(self):
        print("One.getTwo(), returning my two called", self.two)
        return self.two

    def remote_checkTwo(self, newTwo):
        print("One.checkTwo(): comparing my two", self.two)
        print("One.checkTwo(): against your two", newTwo)
        if newTwo is self.two:
            print("One.checkTwo(): our twos are the same")


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(One(Two())))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
