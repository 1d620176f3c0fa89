"""
The client of C{cred_server.py}: a wrong password first, then the right one.

Run it with C{python cred_client.py [PORT]}.
"""

import sys

from twisted.cred import credentials
from twisted.cred.error import UnauthorizedLogin
from twisted.internet import endpoints, task

from myspread import pb


def refused(failure):
    failure.trap(UnauthorizedLogin)
    print("login refused")


async def main(reactor, port="9986"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    await factory.login(credentials.UsernamePassword(b"guest", b"guess")).addErrback(refused)
    avatar = await factory.login(credentials.UsernamePassword(b"guest", b"password"))
    print("server echoed:", await avatar.callRemote("echo", "hello"))


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
