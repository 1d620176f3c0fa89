"""
A server that calls an object which lives in the client.

References travel both ways: whoever holds one can call it, whichever side
opened the connection.

Run it with C{python pb3server.py [PORT]}, then C{pb3client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class One(pb.Root):
    def remote_takeTwo(self, two):
        print("received a Two called", two)
        print("telling it to print(12)")
        return two.callRemote("print", 12)


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(One()))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
