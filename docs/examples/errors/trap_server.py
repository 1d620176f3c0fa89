"""
A server that answers, fails or goes away, for C{trap_client.py} to cope with.

Run it with C{python trap_server.py [PORT]}, then C{trap_client.py}. It ends
when a client calls C{shutdown}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class MyException(pb.Error):
    """
    What C{fooMethod} raises when it is told to panic.
    """


class One(pb.Root):
    def __init__(self):
        self.finished = defer.Deferred()

    def remote_fooMethod(self, argument):
        if argument == "panic!":
            raise MyException
        return "response"

    def remote_shutdown(self):
        print("shutting down")
        self.finished.callback(None)


async def main(reactor, port="8800"):
    one = One()
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(one))
    print("listening on port", listening.getHost().port)
    await one.finished


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
