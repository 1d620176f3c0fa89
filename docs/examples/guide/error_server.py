"""
Methods that fail with built-in exceptions.

Run it with C{python error_server.py [PORT]}, then C{error_client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class ErrorService(pb.Root):
    def remote_causeError(self):
        raise ValueError("Something went wrong!")

    def remote_safeDivide(self, a, b):
        try:
            return a / b
        except ZeroDivisionError:
            raise ValueError("Cannot divide by zero") from None


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(ErrorService()))
    print("PB server running on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
