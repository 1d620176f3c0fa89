"""
C{myspread call}
"""

from __future__ import annotations

from typing import Any

from myspread import pb
from myspread._cli.asjson import jsonText
from myspread._cli.connecting import Server, addServer, serverOf
from myspread._cli.errors import Failed, told
from myspread._cli.output import say
from myspread._cli.running import run
from myspread._cli.showing import brief, pretty
from myspread._cli.status import Status
from myspread._cli.text import shortened, visible
from myspread._cli.usage import CommandParser
from myspread._cli.words import Step, stepsIn

__all__ = ["call", "follow"]

_USAGE = "[OPTIONS] STRPORT METHOD [ARGS...] [/ METHOD [ARGS...]]..."

_EXAMPLES = """
myspread call tcp:localhost:8787 add 1 2
myspread call tcp:localhost:8787 echo '{"a": [1, 2]}' "b'bytes'" word name=value
myspread call tcp:localhost:8787 getTwo/three
myspread call tcp:localhost:8787 getAccount 17 / history limit=3
myspread call tls:pb.example.org:8787 --login ann --json balance
MYSPREAD_PASSWORD=... myspread call unix:/run/pb.socket --login ann whoami
"""

_DESCRIPTION = """\
Calls a method of the root object of a server or, with a login, of the avatar,
and prints what it returns.

Arguments are JSON (true, null, [1, 2], {"a": 1}) or Python literals (True,
None, (1, 2), b'bytes', {1, 2}); what is neither is text. NAME=VALUE is a
keyword argument; put text with such a beginning in quotes: '"a=b"'.

getTwo/three calls getTwo, and then three on what it returned. With arguments
for each: getTwo 1 / three 2.
"""


def call(arguments: list[str]) -> int:
    """
    Call a method of a server, and print what it returns.
    """
    parser = CommandParser("call", _EXAMPLES, _USAGE, _DESCRIPTION)
    addServer(parser)
    parser.add_argument("words", metavar="METHOD [ARGS...]", nargs="+", help="what to call, and with what")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_intermixed_args(arguments)
    steps = stepsIn(options.words)
    server = serverOf(options)
    show = jsonText if options.json else pretty
    return run(lambda reactor: _call(reactor, server, steps, show), options.verbose)


async def _call(reactor: Any, server: Server, steps: list[Step], show: Any) -> int:
    session = server.session(reactor)
    try:
        value = await follow(await server.start(session), steps, server)
        say(show(value))
    finally:
        await session.close()
    return Status.OK


async def follow(reference: Any, steps: list[Step], server: Server) -> Any:
    """
    Make calls, each on what the one before has returned.

    @param server: where they are made.
    @return: what the last one returns.
    @raise Failed: when one returns nothing that could be called.
    """
    value = reference
    done = ""
    for step in steps:
        if not isinstance(value, pb.RemoteReference):
            what = shortened(brief(value), 60)
            raise Failed(f"{done} returned {what}, which is no reference: {step.method!r} can't be called")
        try:
            value = await value.callRemote(step.method, *step.args, **step.kw)
        except pb.NoSuchMethod as error:
            if done or server.who:
                raise
            # Where a login is wanted, the root has none of the methods that people have in mind.
            hint = "nobody has logged in; --login, --token, --login-cert and --anonymous do"
            raise Failed(f"{told(error)}\n    ({hint})") from None
        done = visible(step.method)
    return value
