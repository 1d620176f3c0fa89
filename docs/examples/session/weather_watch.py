"""
Watches the sky over the weather station, for as long as it runs, whatever
becomes of the station.

Run it with C{python weather_watch.py [PORT]}.
"""

import sys

import weather_classes  # noqa: F401  (says what a sky becomes here)
from twisted.cred.credentials import UsernamePassword
from twisted.internet import task

from myspread import pb


def watch(port):
    session = pb.session(
        ["tcp:127.0.0.1:1", f"tcp:127.0.0.1:{port}"],
        credentials=UsernamePassword(b"alice", b"secret"),
        persistent=True,
        backoff=pb.Backoff(first=0.1, longest=5),
    )
    session.notifyOnUp(lambda avatar: print("the station can be reached"))
    session.notifyOnDown(lambda reason: print("the station is gone"))
    session.keep(
        "sky",
        lambda avatar: avatar.callRemote("sky"),
        changed=lambda sky: print(f"the sky has {sky.clouds}"),
    )
    return session


async def main(reactor, port="8787"):
    session = watch(port)
    # Or session.setServiceParent(application), in a program for twistd.
    session.startService()
    temperature = await session.idempotent().withTimeout(60).callRemote("temperature", "Rome")
    print(f"Rome: {temperature} degrees")
    await session.whenEnded()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
