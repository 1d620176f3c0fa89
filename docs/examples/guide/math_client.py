"""
The client of C{math_server.py}.

Run it with C{python math_client.py [PORT]}.
"""

import sys

from twisted.internet import endpoints, task

from myspread import pb


async def main(reactor, port="8800"):
    factory = pb.PBClientFactory()
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    await endpoint.connect(factory)
    service = await factory.getRootObject()
    print(f"5 + 3 = {await service.callRemote('add', 5, 3)}")
    print(f"4 * 7 = {await service.callRemote('multiply', 4, 7)}")
    try:
        print(f"10 / 0 = {await service.callRemote('divide', 10, 0)}")
    except Exception as error:
        print(f"Division error: {error}")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
