"""
A root object whose method returns a second object, by reference.

The client never gets the C{Two} itself: it gets a reference through which it
can call the C{remote_} methods of C{Two}.

Run it with C{python pb1server.py [PORT]}, then C{pb1client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class Two(pb.Referenceable):
    def remote_three(self, argument):
        print("Two.three was given", argument)


class One(pb.Root):
    def remote_getTwo(self):
        two = Two()
        print("returning a Two called", two)
        return two


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(One()))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
