"""
The client of C{exc_server.py}: look at the failure that a remote call gives.

Run it with C{python exc_client.py [PORT [METHOD]]}. METHOD is C{broken}, the
expected failure, or C{broken2}, which the server logs as well.
"""

import sys

from twisted.internet import endpoints, task

from myspread import pb


def worked(answer):
    print("that was not supposed to work:", answer)


def broke(failure):
    print("got remote Exception")
    print(" .__class__ =", failure.__class__)
    print(" .getErrorMessage() =", failure.getErrorMessage())
    print(" .type =", failure.type.decode())


async def main(reactor, port="8800", method="broken"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    one = await factory.getRootObject()
    await one.callRemote(method).addCallbacks(worked, broke)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
