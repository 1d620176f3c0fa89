"""
The smallest Perspective Broker server: one root object with one method.

Run it with C{python pbsimple.py [PORT]}, then C{pbsimpleclient.py} beside it.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class Echoer(pb.Root):
    """
    The object that every client gets first. Only its C{remote_} methods can
    be called from outside.
    """

    def remote_echo(self, text):
        print("echoing:", text)
        return text


async def main(reactor, port="8789"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(Echoer()))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
