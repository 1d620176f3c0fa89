"""
What a fake expects, and what it answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, fail

from myspread._errors import Error
from myspread._flavors.dispatch import awaited

__all__ = ["Call", "Expectation", "Script", "UnexpectedCall"]

_LONGEST = 200
"""Characters that a text shows of an argument."""

Answer = Callable[["Call"], Any]


class UnexpectedCall(Error, AssertionError):
    """
    A call came to a L{FakeServer} that its script doesn't have. The client gets
    this error, and L{FakeServer.check} raises it again.
    """

    __module__ = "myspread.testing"


class Call(NamedTuple):
    """
    A call that a fake has got.

    @ivar broker: the connection that it came through.
    @ivar args: the positional arguments.
    @ivar kw: the keyword arguments.
    """

    broker: Any
    args: tuple[Any, ...]
    kw: dict[str, Any]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def shownCall(where: str, method: str, args: tuple[Any, ...], kw: dict[str, Any]) -> str:
    """A call as one writes it."""
    named = (f"{name}={_shown(value)}" for name, value in kw.items())
    return f"{where}{method}({', '.join([*map(_shown, args), *named])})"


class Expectation:
    """
    A call that a fake expects: once, unless L{times} or L{anyTimes} says
    otherwise. It answers with None, unless it is told to do something else.

    @ivar calls: the calls that have come.
    """

    def __init__(
        self, script: Script, target: Any, method: str, args: tuple[Any, ...], kw: dict[str, Any]
    ) -> None:
        self.calls: list[Call] = []
        self._script = script
        self._target = target
        self._method = method
        self._anything = len(args) == 1 and args[0] is ...
        self._args = args
        self._kw = kw
        self._most: int | None = 1
        self._delay = 0.0
        self._answer: Answer = lambda call: None

    def __str__(self) -> str:
        text = shownCall(self._target.where, self._method, () if self._anything else self._args, self._kw)
        if self._anything:
            text = f"{text[:-1]}...)"
        left = self.lacking
        return text if left < 2 else f"{text} {left} times"

    # What it answers

    def returns(self, value: Any) -> Expectation:
        """
        Answer with a value.

        @param value: whatever can travel: flavors, too.
        """
        return self.runs(lambda *args, **kw: value)

    def fails(self, error: BaseException) -> Expectation:
        """Fail with an exception."""
        self._answer = lambda call: fail(error)
        return self

    def runs(self, function: Callable[..., Any]) -> Expectation:
        """
        Answer with what a function returns.

        @param function: called with the arguments; it may return a Deferred or
            a coroutine.
        """
        self._answer = lambda call: awaited(function(*call.args, **call.kw))
        return self

    def never(self) -> Expectation:
        """Don't answer, for as long as the connection lasts."""
        self._answer = lambda call: Deferred()
        return self

    def disconnects(self) -> Expectation:
        """Lose the connection, in place of an answer."""

        def disconnect(call: Call) -> Deferred[Any]:
            call.broker.transport.abortConnection()
            return Deferred()

        self._answer = disconnect
        return self

    def lends(self, name: str | None = None) -> Any:
        """
        Answer with a reference.

        @param name: what to call the object in texts; by default the name of
            the method.
        @return: the L{FakeObject} that it leads to, to be told what it expects.
        """
        lent = self._script.makeObject(self._script, name or self._method)
        self.returns(lent)
        return lent

    def after(self, seconds: float) -> Expectation:
        """Do so after some seconds on the server's clock."""
        self._delay = seconds
        return self

    # How often

    def times(self, count: int) -> Expectation:
        """Expect the call so many times."""
        self._most = count
        return self

    def anyTimes(self) -> Expectation:
        """Expect the call any number of times, or not at all."""
        self._most = None
        return self

    @property
    def lacking(self) -> int:
        """How many calls are still expected."""
        return 0 if self._most is None else self._most - len(self.calls)

    @property
    def isOpen(self) -> bool:
        """Whether one more call would be answered."""
        return self._most is None or self.lacking > 0

    def matches(self, target: Any, method: str, args: tuple[Any, ...], kw: dict[str, Any]) -> bool:
        """Whether it is this call that is expected."""
        if target is not self._target or method != self._method or not self.isOpen:
            return False
        return self._anything or (args == self._args and kw == self._kw)

    def answer(self, call: Call) -> Any:
        """What to answer to a call."""
        self.calls.append(call)
        if not self._delay:
            return self._answer(call)
        waiting: Deferred[Any] = Deferred()
        waiting.addCallback(lambda ignored: self._answer(call))
        delayed = self._script.clock.callLater(self._delay, waiting.callback, None)
        call.broker.notifyOnDisconnect(lambda: delayed.active() and delayed.cancel())
        return waiting


class Script:
    """
    What all fakes of one server expect.

    @ivar clock: their time.
    @ivar ordered: whether calls have to come in the order in which they are
        expected.
    """

    def __init__(self, clock: Any, ordered: bool, makeObject: Callable[[Script, str], Any]) -> None:
        """
        @param makeObject: makes another fake, given this script and a name.
        """
        self.clock = clock
        self.ordered = ordered
        self.makeObject = makeObject
        self._expected: list[Expectation] = []
        self._unexpected: list[str] = []

    def expect(self, target: Any, method: str, args: tuple[Any, ...], kw: dict[str, Any]) -> Expectation:
        """One more expectation."""
        expectation = Expectation(self, target, method, args, kw)
        self._expected.append(expectation)
        return expectation

    def called(self, target: Any, method: str, call: Call) -> Any:
        """
        A call has come.

        @return: what to answer.
        @raise UnexpectedCall: when the script doesn't have it, or not now.
        """
        for expectation in self._expected:
            if expectation.matches(target, method, call.args, call.kw):
                return expectation.answer(call)
            if self.ordered and expectation.lacking:
                break
        text = f"unexpected call {shownCall(target.where, method, call.args, call.kw)}; {self._wanted()}"
        self._unexpected.append(text)
        raise UnexpectedCall(text)

    def _wanted(self) -> str:
        wanted = [str(each) for each in self._expected if each.isOpen]
        if self.ordered:
            firm = [place for place, each in enumerate(self._expected) if each.lacking]
            wanted = [str(each) for each in self._expected[: firm[0] + 1] if each.isOpen] if firm else wanted
        return f"expected is {' or '.join(wanted)}" if wanted else "no more calls are expected"

    def check(self) -> None:
        """
        All that was expected has come, and nothing else.

        @raise UnexpectedCall: when something else has.
        @raise AssertionError: when something hasn't.
        """
        if self._unexpected:
            raise UnexpectedCall("\n".join(self._unexpected))
        lacking = [str(each) for each in self._expected if each.lacking]
        if lacking:
            raise AssertionError(f"these calls were expected, and didn't come: {', '.join(lacking)}")
