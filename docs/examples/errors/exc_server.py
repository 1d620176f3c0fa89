"""
Remote methods that fail: once as planned, once by surprise.

An exception derived from L{pb.Error} is expected: it travels to the caller and
leaves no trace here. Any other exception travels as well, and is also written
to this program's log with its traceback.

Run it with C{python exc_server.py [PORT]}, then C{exc_client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class MyError(pb.Error):
    """
    A failure that callers are told to expect.
    """


class MyError2(Exception):
    """
    A failure that nobody planned for.
    """


class One(pb.Root):
    def remote_broken(self):
        message = "fall down go boom"
        print(f"raising a MyError exception with data {message!r}")
        raise MyError(message)

    def remote_broken2(self):
        message = "hadda owie"
        print(f"raising a MyError2 exception with data {message!r}")
        raise MyError2(message)


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(One()))
    print("listening on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
