"""
C{myspread repl}
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import blockingCallFromThread
from twisted.python.failure import Failure

from myspread import pb
from myspread._cli.completing import Completer
from myspread._cli.connecting import Server, addServer, serverOf
from myspread._cli.errors import statusOf, told
from myspread._cli.evaluating import Evaluator, isWhole
from myspread._cli.output import complain, prepareOutput, say
from myspread._cli.running import beginLogging
from myspread._cli.showing import pretty
from myspread._cli.status import Status
from myspread._cli.text import block
from myspread._cli.usage import CommandParser
from myspread._factories.reactor import theReactor

__all__ = ["repl"]

# Not every Python has it.
readline: Any = import_module("readline") if find_spec("readline") else None

_EXAMPLES = """
myspread repl tcp:localhost:8787
myspread repl tls:pb.example.org:8787 --login ann
echo 'await root.remote.add(1, 2)' | myspread repl tcp:localhost:8787
"""

_DESCRIPTION = """\
A Python prompt with a connection. 'root' is the root object of the server or,
with a login, 'avatar' the avatar:

  >>> await root.remote.add(1, 2)
  3

The tab key completes names, and methods too if the server describes them. The
arrow keys get back what was typed, the last time as well. Ctrl-C gives up what
is waited for, Ctrl-D ends. When the connection is lost, the next line connects
again: with a new 'root' or 'avatar'; what else came over the old one is gone.

What doesn't come from a terminal is run line by line, up to the first error,
whose exit status it has.
"""

_HISTORY = 1000


def repl(arguments: list[str]) -> int:
    """
    Call methods from a Python prompt.
    """
    parser = CommandParser("repl", _EXAMPLES, description=_DESCRIPTION)
    addServer(parser)
    parser.add_argument("--no-history", action="store_true", help="neither read nor write what is typed")
    options = parser.parse_args(arguments)
    server = serverOf(options)
    prepareOutput()
    beginLogging(options.verbose)
    reactor = theReactor()
    thread = Thread(target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True)
    thread.start()
    try:
        return _Prompt(reactor, server, keep=not options.no_history).run()
    finally:
        reactor.callFromThread(reactor.stop)
        thread.join()


def _historyFile() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state) / "myspread" / "history"


class _Prompt:
    """
    Reads what is typed in the main thread, where C{readline} and Ctrl-C work,
    and runs it in that of the reactor.
    """

    def __init__(self, reactor: Any, server: Server, keep: bool) -> None:
        self._reactor = reactor
        self._server = server
        self._isTerminal = sys.stdin.isatty() and sys.stdout.isatty()
        self._keep = keep and self._isTerminal and readline is not None
        self._methods: dict[Any, list[str]] = {}
        self._describes = True
        self._lost: Failure | None = None
        self._session: pb.Session | None = None
        self._evaluator = Evaluator({"__name__": "__main__", "pb": pb})

    def run(self) -> int:
        """Connect, and read until the end."""
        try:
            self._wait(self._connect)
        except KeyboardInterrupt:
            return Status.INTERRUPTED
        except Exception as error:
            return self._failed(error)
        try:
            if self._isTerminal:
                self._prepare()
            return self._loop()
        finally:
            if self._keep:
                self._writeHistory()
            self._wait(self._close)

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _connect(self) -> None:
        await self._close()
        session = self._server.session(self._reactor)
        session.notifyOnDown(self._down)
        names = self._evaluator.names
        try:
            reference = await self._server.start(session)
            names["session"] = session
            names["root"] = await session.root
        except BaseException:
            await session.close()
            raise
        if self._server.who:
            names["avatar"] = reference
        self._session = session
        self._lost = None

    def _down(self, reason: Failure) -> None:
        self._lost = reason

    def _connectAgain(self) -> None:
        """Connect if the connection is lost, before something is run that would need it."""
        if self._lost is None or not self._isTerminal:
            return
        complain(f"the connection was lost: {block(self._lost.getErrorMessage())} Connecting again.")
        self._methods.clear()
        self._wait(self._connect)

    def _wait(self, work: Callable[[], Any]) -> Any:
        """What some work in the reactor's thread comes to. Ctrl-C cancels it."""
        began: list[Deferred[Any]] = []

        def begin() -> Deferred[Any]:
            made = work()
            doing = Deferred.fromCoroutine(made) if isinstance(made, Coroutine) else made
            began.append(doing)
            # Who cancels may do so in the very moment that it is done.
            return doing.addBoth(lambda outcome: outcome)

        try:
            return blockingCallFromThread(self._reactor, begin)
        except KeyboardInterrupt:
            for doing in began:
                self._reactor.callFromThread(doing.cancel)
            raise

    # What is typed

    def _prepare(self) -> None:
        who = f" as {self._server.who}" if self._server.who else ""
        name = "avatar" if self._server.who else "root"
        say(f"Connected with {self._server.where}{who}. Try: await {name}.remote.METHOD(ARGS); Ctrl-D ends.")
        if readline is None:
            return
        completer = Completer(self._evaluator.names, self._methodsOf)

        def complete(word: str, state: int) -> str | None:
            return completer.complete(word, state, readline.get_line_buffer()[: readline.get_endidx()])

        readline.set_completer(complete)
        # Without the dot and the quote, which belong to what is completed.
        readline.set_completer_delims(" \t\n`~!@#$%^&*()-=+[{]}\\|;:,<>/?'\"")
        isEditline = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if isEditline else "tab: complete")
        if self._keep and _historyFile().exists():
            readline.read_history_file(_historyFile())

    def _writeHistory(self) -> None:
        path = _historyFile()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            readline.set_history_length(_HISTORY)
            readline.write_history_file(path)
        except OSError as error:
            complain(f"what was typed can't be kept in {path}: {error.strerror}")

    def _loop(self) -> int:
        while True:
            try:
                source = self._read()
                if source is None:
                    return Status.OK
                if source.strip():
                    self._connectAgain()
                    self._show(self._wait(partial(self._evaluator.run, source)))
            except KeyboardInterrupt:
                say("\ninterrupted")
                if not self._isTerminal:
                    return Status.INTERRUPTED
            except SystemExit as ended:
                return ended.code if isinstance(ended.code, int) else Status.OK
            except Exception as error:
                status = self._failed(error)
                if not self._isTerminal:
                    return status

    def _read(self) -> str | None:
        """
        A whole statement, of one line or several; None at the end.

        @raise SyntaxError: when it is none.
        """
        lines: list[str] = []
        while True:
            try:
                prompt = "... " if lines else ">>> "
                lines.append(input(prompt if self._isTerminal else ""))
            except EOFError:
                if self._isTerminal:
                    say("")
                return "\n".join(lines) if lines else None
            if isWhole("\n".join(lines)):
                return "\n".join(lines)

    def _show(self, value: Any) -> None:
        if value is not None:
            say(pretty(value))

    def _failed(self, error: Exception) -> int:
        """Tell of an error of what was typed, or of the server's."""
        status = statusOf(error)
        if status is None or isinstance(error, (OSError, CancelledError)):
            say(block("".join(traceback.format_exception_only(type(error), error))))
            return status or Status.ERROR
        complain(told(error))
        return status

    # What can be typed

    def _methodsOf(self, reference: Any) -> list[str]:
        """The methods of a remote object, if the server tells."""
        if reference not in self._methods and self._describes:
            try:
                described = self._wait(lambda: pb.describe(reference))
                self._methods[reference] = [method.name for method in described.methods]
            except pb.NotDescribed:
                self._describes = False
            except Exception:
                # It may not be described now; the line that is typed will tell if there is trouble.
                self._methods[reference] = []
        return self._methods.get(reference, [])
