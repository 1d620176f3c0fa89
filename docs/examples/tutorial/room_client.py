"""
Enters the room of C{room_server.py}, says what is typed, and shows what is said.

Run it with C{python room_client.py NAME [PORT]}; Ctrl-D leaves.
"""

import sys

from keyboard import read
from twisted.internet import error, task

from myspread import pb


class Screen(pb.Referenceable):
    def remote_show(self, line):
        print(line)


async def main(reactor, name, port="8800"):
    try:
        async with pb.session("127.0.0.1", int(port)) as session:
            seat = await session.callRemote("enter", name, Screen())
            typed = read(lambda text: seat.callRemote("say", text, pbanswer=False))
            typed.addCallback(lambda _: session.close())
            await session.whenEnded()
    except (error.ConnectError, error.ConnectionClosed, OSError) as reason:
        raise SystemExit(f"no connection to the room: {reason}") from None


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
