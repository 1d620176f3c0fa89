"""
The client of C{math_server.py} once more, without factory and endpoint.

Run it with C{python math_short_client.py [PORT]}.
"""

import sys

from twisted.internet import task

from myspread import pb


async def main(reactor, port="8800"):
    service = await pb.getObjectAt("127.0.0.1", int(port), timeout=10)
    print(f"5 + 3 = {await service.callRemote('add', 5, 3)}")
    try:
        await service.callRemote("divide", 10, 0)
    except ValueError as error:
        print(f"Division error: {error}")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
