"""
The client of C{data_server.py}: store an object, and get it back.

Run it with C{python data_client.py [PORT]}.
"""

import sys

from data_classes import SharedData
from twisted.cred import credentials
from twisted.internet import endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    avatar = await factory.login(credentials.UsernamePassword(b"user1", b"pass1"))

    data = SharedData("test_data", {"count": 42, "active": True})
    print(await avatar.callRemote("store", "item1", data))

    retrieved = await avatar.callRemote("retrieve", "item1")
    print(f"Retrieved: {retrieved.name} = {retrieved.value}")

    print("Keys:", await avatar.callRemote("list_keys"))

    try:
        await avatar.callRemote("retrieve", "item2")
    except pb.RemoteError as error:
        print("Error:", error)


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
