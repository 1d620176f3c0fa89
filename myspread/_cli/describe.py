"""
C{myspread describe}
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from myspread import pb
from myspread._cli.asjson import jsonText
from myspread._cli.call import follow
from myspread._cli.connecting import Server, addServer, serverOf
from myspread._cli.errors import Failed
from myspread._cli.output import say
from myspread._cli.ping import once
from myspread._cli.running import run
from myspread._cli.showing import brief
from myspread._cli.status import Status
from myspread._cli.text import block, visible
from myspread._cli.usage import CommandParser
from myspread._cli.words import Step, stepsIn

__all__ = ["describe"]

_USAGE = "[OPTIONS] STRPORT [METHOD [ARGS...] [/ METHOD [ARGS...]]...]"

_EXAMPLES = """
myspread describe tcp:localhost:8787
myspread describe tls:pb.example.org:8787 --login ann
myspread describe tcp:localhost:8787 getAccount 17
myspread describe tcp:localhost:8787 --json
"""

_DESCRIPTION = """\
Lists the methods of the root object of a server or, with a login, of the
avatar; or those of the object that a call returns. With signatures and
docstrings.

A server tells that only if its policy allows it: with twistd pbserver --describe,
or SecurityPolicy.allowDescribing().
One that runs twisted.spread can't; what it has is found out by calling it.
"""


def describe(arguments: list[str]) -> int:
    """
    Tell what can be called on a server.
    """
    parser = CommandParser("describe", _EXAMPLES, _USAGE, _DESCRIPTION)
    addServer(parser)
    parser.add_argument(
        "words",
        metavar="METHOD [ARGS...]",
        nargs="*",
        # Without it, argparse says that one is required.
        default=[],
        help="what returns the object; default: the root",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    options = parser.parse_intermixed_args(arguments)
    steps = stepsIn(options.words) if options.words else []
    server = serverOf(options)
    return run(lambda reactor: _describe(reactor, server, steps, options.json), options.verbose)


async def _describe(reactor: Any, server: Server, steps: list[Step], asJSON: bool) -> int:
    session = server.session(reactor)
    try:
        reference = await follow(await server.start(session), steps, server)
        if not isinstance(reference, pb.RemoteReference):
            raise Failed(f"the method returned {brief(reference)}, which is no reference")
        description = await _asked(reference, server.where)
    finally:
        await session.close()
    say(jsonText(asdict(description)) if asJSON else _text(description))
    return Status.OK


async def _asked(reference: pb.RemoteReference, where: str) -> pb.Description:
    try:
        return await pb.describe(reference)
    except pb.NotDescribed:
        # It does answer; that much can be said of any server.
        await once(reference)
        text = (
            f"{where} describes nothing: it runs twisted.spread, or its policy doesn't allow it; "
            "twistd pbserver --describe does, and SecurityPolicy.allowDescribing(). "
            "It answers, but which methods it has can't be known"
        )
    except pb.InsecureJelly as error:
        text = f"the server describes nothing before a login; try --login ({block(str(error))})"
    raise Failed(text)


def _text(description: pb.Description) -> str:
    lines = [visible(description.className)]
    if description.doc:
        lines.append(block(description.doc, "    "))
    for method in description.methods:
        lines += ["", f"{visible(method.name)}{visible(method.signature)}"]
        if method.doc:
            lines.append(block(method.doc, "    "))
    if not description.methods:
        lines += ["", "It has no methods that can be called."]
    return "\n".join(lines)
