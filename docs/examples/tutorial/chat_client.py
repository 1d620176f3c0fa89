"""
Logs in to the chat, says what is typed, and shows what is said.

Run it with C{python chat_client.py NAME PASSWORD [STRPORT]}; Ctrl-D leaves.
"""

import sys

from keyboard import read
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.internet import error, task

from myspread import pb


class Screen(pb.Referenceable):
    def remote_show(self, line):
        print(line)


async def main(reactor, name, password, where="tcp:127.0.0.1:8800"):
    session = pb.session(where, credentials=pb.Password(name, password), mind=Screen())
    try:
        async with session:
            chat = await session.avatar
            print("with you are:", *await chat.callRemote("who"))
            typed = read(lambda text: chat.callRemote("say", text, pbanswer=False))
            typed.addCallback(lambda _: session.close())
            await session.whenEnded()
    except UnauthorizedLogin:
        raise SystemExit("no such user, or a wrong password") from None
    except (LoginFailed, error.ConnectError, error.ConnectionClosed, OSError) as reason:
        raise SystemExit(f"no connection to the chat: {reason}") from None


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
