"""
As C{chat_client.py}, but comes back when the server does.

Run it with C{python lasting_client.py NAME PASSWORD [STRPORT]}; Ctrl-D leaves.
"""

import sys

from chat_client import Screen
from keyboard import read
from twisted.cred.error import LoginFailed
from twisted.internet import defer, task

from myspread import pb


async def main(reactor, name, password, where="tcp:127.0.0.1:8800"):
    session = pb.session(
        where,
        credentials=pb.Password(name, password),
        mind=Screen(),
        persistent=True,
        backoff=pb.Backoff(first=0.5, longest=5),
    )
    session.notifyOnUp(lambda avatar: print("--- the chat can be reached"))
    session.notifyOnDown(lambda reason: print("--- the chat is gone; I'll be back"))

    async def say(text):
        try:
            await session.withTimeout(30).callRemote("say", text)
        except (pb.PBConnectionLost, pb.CallTimeout, pb.SessionClosed):
            print("--- nobody has heard:", text)

    session.startService()
    typed = read(lambda text: defer.ensureDeferred(say(text)))
    typed.addCallback(lambda _: session.close())
    try:
        await session.whenEnded()
    except LoginFailed:
        raise SystemExit("no such user, or a wrong password") from None


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
