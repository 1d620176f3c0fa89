"""
A service of plain functions, behind a root that chooses what clients get.

Run it with C{python math_server.py [PORT]}, then C{math_client.py} or
C{math_short_client.py}.
"""

import sys

from twisted.internet import defer, endpoints, task

from myspread import pb


class MathService(pb.Referenceable):
    def remote_add(self, a, b):
        return a + b

    def remote_multiply(self, a, b):
        return a * b

    def remote_divide(self, a, b):
        if b == 0:
            raise ValueError("Division by zero")
        return a / b


class Calculator(pb.Root):
    def rootObject(self, broker):
        return MathService()


async def main(reactor, port="8800"):
    endpoint = endpoints.TCP4ServerEndpoint(reactor, int(port), interface="127.0.0.1")
    listening = await endpoint.listen(pb.PBServerFactory(Calculator()))
    print("PB server running on port", listening.getHost().port)
    await defer.Deferred()  # serve until interrupted


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
