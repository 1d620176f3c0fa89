"""
Catch what the other side raised, with C{except} as if it were raised here.

Run it with C{python error_client.py [PORT]}, against C{error_server.py}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    service = await factory.getRootObject()
    try:
        await service.callRemote("causeError")
    except Exception as error:
        print(f"Remote error: {error}")
    try:
        await service.callRemote("safeDivide", 10, 0)
    except ValueError as error:
        print(f"Division error: {error}")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
