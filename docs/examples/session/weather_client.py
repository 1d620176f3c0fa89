"""
Asks the weather station, once.

Run it with C{python weather_client.py [PORT]}.
"""

import sys
from typing import Protocol

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import LoginFailed
from twisted.internet import task

from myspread import pb

ALICE = UsernamePassword(b"alice", b"secret")
MALLORY = UsernamePassword(b"alice", b"guess")


class Weather(Protocol):
    """What the station can be asked."""

    async def temperature(self, city: str) -> int: ...
    async def average(self) -> float: ...


async def main(reactor, port="8787"):
    async with pb.session("127.0.0.1", int(port), credentials=ALICE) as session:
        weather = pb.typed(session, Weather)
        print(f"Oslo: {await weather.temperature('Oslo')} degrees")
        try:
            await pb.typed(session.withTimeout(0.2), Weather).average()
        except pb.CallTimeout as error:
            print(f"too late: {error.method}")
    try:
        async with pb.session("127.0.0.1", int(port), credentials=MALLORY):
            print("not reached")
    except LoginFailed:
        print("no such user, or a wrong password")


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
