"""
A client on C{twisted.spread} that is lent something, and has a budget.

Usage: C{python -m tests.factories.borrower PORT}. It prints what came of each
call, and then everything that it has logged as an error.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.python import log
from twisted.spread import pb


async def outcome(reference: Any, *words: Any) -> Any:
    """What a call returns, or the type and text of its error."""
    try:
        return await reference.callRemote(*words)
    except pb.RemoteError as error:
        kind = error.remoteType
        return [kind.decode() if isinstance(kind, bytes) else kind, str(error)]


async def borrow(port: str) -> list[Any]:
    """Log in, and call what there is to call."""
    factory = pb.PBClientFactory()
    await clientFromString(reactor, f"tcp:127.0.0.1:{port}").connect(factory)
    avatar = await factory.login(UsernamePassword(b"ann", b"secret"))
    door = await avatar.callRemote("door")
    outcomes = [await outcome(door, "look"), await outcome(door, "secret")]
    outcomes.append(await outcome(avatar, "back", door))
    await avatar.callRemote("revoke")
    outcomes.append(await outcome(door, "look"))
    waiting = avatar.callRemote("never")
    waiting.addErrback(lambda reason: None)
    outcomes.append(await outcome(avatar, "door"))
    return outcomes


def main() -> None:
    """Borrow, tell, and end."""
    errors: list[str] = []
    log.addObserver(lambda event: errors.append(str(event)) if event["isError"] else None)

    def tell(result: Any) -> None:
        told = result if isinstance(result, list) else result.getTraceback()
        print(json.dumps([told, errors]), flush=True)
        reactor.stop()  # type: ignore[attr-defined]

    Deferred.fromCoroutine(borrow(sys.argv[1])).addBoth(tell)
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
