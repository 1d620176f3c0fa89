"""
Ask the finger service by Perspective Broker.

Run it with C{python fingerPBclient.py [PORT [USER...]]}, against
C{finger21.tac} or C{simple-finger.tac}. It asks for the status of each USER,
C{moshez} if none is given. C{*} stands for the names of all users.
"""

import sys

from twisted.internet import endpoints, error, task

from myspread import pb


async def connect(reactor, port):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    return await factory.getRootObject()


async def ask(finger, user):
    if user == "*":
        return await finger.callRemote("getUsers")
    return await finger.callRemote("getUser", user)


async def main(reactor, port="8889", *users):
    try:
        finger = await connect(reactor, port)
    except error.ConnectError as reason:
        print("no object:", reason)
        return
    print("got object:", finger)
    for user in users or ["moshez"]:
        print("server sent:", await ask(finger, user))


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
