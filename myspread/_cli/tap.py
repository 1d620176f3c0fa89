"""
C{myspread tap}
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError

from myspread._cli.asjson import TooLarge, jsonLine, jsonOf
from myspread._cli.capture import Capture, Record, recordsIn
from myspread._cli.connecting import addTls, checkTls
from myspread._cli.conversation import Conversation, Message
from myspread._cli.errors import Failed, statusOf, told
from myspread._cli.output import complain, prepareOutput, say
from myspread._cli.proxy import Listener, ProxyFactory, addressText
from myspread._cli.running import run
from myspread._cli.status import Status
from myspread._cli.text import visible
from myspread._cli.tls import tlsEndpoint
from myspread._cli.usage import CommandParser, UsageError
from myspread._factories.addresses import addressesOf
from myspread._service.wrongports import checkPlain, explained, whyNotListening

__all__ = ["tap"]

_USAGE = "[OPTIONS] LISTEN STRPORT\n       myspread tap [OPTIONS] --read FILE"

_EXAMPLES = """
myspread tap tcp:8788:interface=127.0.0.1 tcp:localhost:8787
myspread tap tcp:8788:interface=127.0.0.1 tls:pb.example.org:8787 --write today.tap
myspread tap tcp:8788:interface=127.0.0.1 tls:localhost:8801 --ca cert.pem
myspread tap --read today.tap --json
"""

_DESCRIPTION = """\
Listens at LISTEN (tcp:PORT:interface=127.0.0.1, unix:PATH, ssl:PORT:...), passes
all connections on to the server at STRPORT, and prints what the two say to each
other: method names, and for each object the method that gave it. Nothing that
passes is changed. Ctrl-C ends it.

'>' is from the client, '<' from the server. Passwords, tokens and answers to
login challenges are masked, in files too, as are arguments whose names sound
like that. TLS that isn't ended here can't be read: have the client connect to
LISTEN without it, or with an ssl: of its own.
"""

_COLOURS = {"error": "31", "client": "36", "server": "32"}


def tap(arguments: list[str]) -> int:
    """
    Show what a client and a server say to each other.
    """
    parser = CommandParser("tap", _EXAMPLES, _USAGE, _DESCRIPTION)
    parser.add_argument("listen", metavar="LISTEN", nargs="?", help="where clients connect to")
    parser.add_argument("where", metavar="STRPORT", nargs="?", help="the server")
    parser.add_argument("--write", metavar="FILE", help="keep the messages in a new file, too")
    parser.add_argument("--read", metavar="FILE", help="show the messages in a file")
    parser.add_argument("--json", action="store_true", help="print lines of JSON")
    parser.add_argument("--no-color", action="store_true", help="no colours on a terminal, as with NO_COLOR")
    parser.add_argument("--verbose", action="store_true", help="show the log")
    addTls(parser.add_argument_group("server"))
    options = parser.parse_args(arguments)
    if (options.read is None) is (options.where is None) or options.read and options.write:
        raise UsageError("tap: say LISTEN and STRPORT, or --read FILE; see: myspread tap --help")
    if options.read is not None and any(_files(options)):
        raise UsageError("tap: --cert, --key and --ca are for a server, and --read asks none")
    checkTls(options)
    shown = _Shown(options)
    if options.read is not None:
        return _replay(options.read, shown)
    capture = None if options.write is None else Capture(options.write)
    return run(lambda reactor: _tap(reactor, options, shown, capture), options.verbose)


class _Shown:
    """
    Prints records.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        plain = options.no_color or "NO_COLOR" in os.environ or not sys.stdout.isatty()
        self._colours = {} if plain else _COLOURS
        self._asJSON = options.json
        self._conversations: dict[int, Conversation] = {}

    def show(self, record: Record) -> None:
        """One more; the secrets in it are masked from then on."""
        if record.event:
            message = Message("event", visible(record.event), value=record.event)
        else:
            conversation = self._conversations.setdefault(record.connection, Conversation())
            message = conversation.message(record.fromClient, record.expression, record.time)
        if self._asJSON:
            say(jsonLine(_fieldsOf(record, message)))
        else:
            say(self._line(record, message))

    def forget(self, connection: int) -> None:
        """A connection is closed."""
        self._conversations.pop(connection, None)

    def _line(self, record: Record, message: Message) -> str:
        side = "client" if record.fromClient else "server"
        colour = self._colours.get(message.kind) or self._colours.get(side)
        mark = ">" if record.fromClient else "<"
        text = f"{datetime.fromtimestamp(record.time):%H:%M:%S.%f} {record.connection} {mark} {message.text}"
        return text if colour is None else f"\x1b[{colour}m{text}\x1b[0m"


def _fieldsOf(record: Record, message: Message) -> dict[str, Any]:
    line: dict[str, Any] = {
        "time": record.time,
        "connection": record.connection,
        "from": "client" if record.fromClient else "server",
        "kind": message.kind,
    }
    try:
        line.update((name, jsonOf(value)) for name, value in message.fields.items())
    except TooLarge as error:
        line["error"] = str(error)
    return line


def _replay(path: str, shown: _Shown) -> int:
    prepareOutput()
    try:
        for record in recordsIn(path):
            shown.show(record)
    except Failed as error:
        print(f"myspread: {visible(str(error))}", file=sys.stderr)
        return error.status
    return Status.OK


def _files(options: argparse.Namespace) -> tuple[str | None, ...]:
    return options.cert, options.key, options.ca


async def _target(reactor: Any, options: argparse.Namespace) -> Any:
    """The endpoint of the server."""
    if any(_files(options)):
        return tlsEndpoint(reactor, options.where, *_files(options))
    try:
        [address] = addressesOf(options.where, None, reactor, None)
    except ValueError as error:
        raise UsageError(f"tap: {error}") from None
    try:
        [(_, endpoint), *_] = await address.find()
    except Exception as error:
        status = statusOf(error)
        if status is None:
            raise
        raise Failed(f"{options.where}: {told(error)}", status) from None
    return endpoint


def _listening(reactor: Any, text: str) -> Any:
    """The endpoint that clients connect to."""
    try:
        checkPlain(text)
        return serverFromString(reactor, text)
    # Whatever a plugin that parses endpoints raises.
    except Exception as error:
        raise UsageError(f"tap: {text!r} makes no sense: {explained(error)}") from None


async def _tap(reactor: Any, options: argparse.Namespace, shown: _Shown, capture: Capture | None) -> int:
    target = await _target(reactor, options)
    endpoint = _listening(reactor, options.listen)
    # Ctrl-C is how it is meant to end.
    enough: Deferred[None] = Deferred(lambda cancelled: cancelled.callback(None))
    count = 0

    def listening() -> Listener:
        nonlocal count
        count += 1
        number = count

        def tell(record: Record) -> None:
            try:
                # Masks the secrets in it, so it comes first.
                shown.show(record)
                if capture is not None:
                    capture.write(record)
            except OSError as error:
                # Who wants to see it can't any more, or the disk is full.
                if not enough.called:
                    isPipe = isinstance(error, BrokenPipeError)
                    enough.errback(error if isPipe else Failed(f"what passes can't be written: {error}"))
            if record.event.startswith("closed") and record.fromClient:
                shown.forget(number)

        return Listener(
            lambda fromClient, expression: tell(Record(reactor.seconds(), number, fromClient, expression)),
            lambda fromClient, text: tell(Record(reactor.seconds(), number, fromClient, event=text)),
        )

    try:
        port = await endpoint.listen(ProxyFactory(target, listening, options.where))
    except (CannotListenError, OSError) as error:
        text = f"cannot listen on {options.listen}: {whyNotListening(error)}"
        raise Failed(text, Status.UNREACHABLE) from None
    try:
        complain(f"listening on {addressText(port.getHost())}")
        await enough
    finally:
        await port.stopListening()
        if capture is not None:
            capture.close()
    return Status.OK
