"""
A server that was told of no class at all, for C{undeclared_sender.py}.

Run it with C{python undeclared_receiver.py [PORT]}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class Receiver(pb.Root):
    def remote_sendPond(self, pond):
        print("got pond:", type(pond).__name__)
        return "safe and sound"


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(Receiver()))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
