"""
What a client can call, or observe, of a server that plays a script.
"""

from __future__ import annotations

from typing import Any

from myspread._flavors.caching import Cacheable
from myspread._flavors.dispatch import methodName, receiveCall
from myspread._flavors.perspective import Avatar
from myspread._flavors.referencing import Root
from myspread.testing._scripts import Call, Expectation, Script

__all__ = ["FakeAvatar", "FakeCache", "FakeObject"]


class _Scripted:
    """
    Something that the client can call.

    @ivar where: what stands before the name of a method in texts.
    """

    _script: Script
    where: str

    def expect(self, method: str, *args: Any, **kw: Any) -> Expectation:
        """
        Expect a call.

        @param method: the name, without C{remote_} or the like.
        @param args: the arguments that it must have, which are compared with
            C{==}; C{...} alone stands for whatever they are.
        @param kw: the keyword arguments that it must have.
        """
        return self._script.expect(self, method, args, kw)

    def _receive(self, broker: Any, message: Any, args: Any, kw: Any, perspective: Any) -> Any:
        method = methodName("", message)[1:]

        def called(*positional: Any, **named: Any) -> Any:
            return self._script.called(self, method, Call(broker, positional, named))

        return receiveCall(broker, lambda: called, args, kw, perspective)


class FakeObject(_Scripted, Root):
    """
    An object of a L{FakeServer}, to which the client has a reference.
    L{Expectation.lends} makes it.
    """

    def __init__(self, script: Script, name: str) -> None:
        self._script = script
        self.where = f"{name}." if name else ""

    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        """Look into the script."""
        return self._receive(broker, message, args, kw, None)


class FakeAvatar(_Scripted, Avatar):
    """
    A user of a L{FakeServer}. L{FakeServer.user} and L{FakeServer.anonymous}
    make it.

    @ivar minds: what those gave along who are logged in as this user now:
        references, or None.
    """

    def __init__(self, script: Script, name: str) -> None:
        super().__init__(name)
        self._script = script
        self.where = f"{name}."
        self.minds: list[Any] = []

    def perspectiveMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        """Look into the script."""
        return self._receive(broker, message, args, kw, self)


class FakeCache(Cacheable):
    """
    An object of a server that clients observe. Return it from an expectation.

    @ivar state: what clients get first.
    @ivar observers: the copies that clients have.
    """

    def __init__(self, tag: str, **state: Any) -> None:
        """
        @param tag: what the client's class is registered for.
        @param state: its attributes.
        """
        self.tag = tag
        self.state = state
        self.observers: list[Any] = []

    def getTypeToCopy(self) -> str:
        """The tag."""
        return self.tag

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """Remember the observer."""
        self.observers.append(observer)
        return self.state

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """Forget the observer."""
        self.observers.remove(observer)

    def tell(self, method: str, *args: Any, **kw: Any) -> None:
        """Call C{observe_<method>} of all copies that clients have."""
        for observer in self.observers:
            observer.callRemote(method, *args, pbanswer=False, **kw)
