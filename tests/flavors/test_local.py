"""
Local objects that are called as if they were remote.
"""

from __future__ import annotations

import io
from typing import Any

from twisted.internet.defer import succeed
from twisted.python import log
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import Interface, implementer

from myspread.util import LocalAsRemote, LocalAsyncForwarder


class IFrog(Interface):
    """What a frog can do."""

    def jump(height: int) -> Any:
        """Jump."""

    def fail() -> Any:
        """Fail."""


@implementer(IFrog)
class Frog:
    """Can do more than its interface says."""

    def jump(self, height: int) -> Any:
        """Jump."""
        return succeed(f"jumped {height}")

    def fail(self) -> Any:
        """Fail."""
        raise ValueError("no")

    def hide(self) -> Any:
        """Not for everybody."""
        return "hidden"


class Pond(LocalAsRemote):
    """Has methods of both kinds."""

    def sync_depth(self, scale: int = 1) -> int:
        """Answer at once."""
        return 5 * scale

    def async_depth(self) -> int:
        """Never called: the other comes first."""
        raise AssertionError

    def async_frogs(self, *names: str) -> list[str]:
        """Answer with a Deferred."""
        return list(names)

    def async_fail(self) -> None:
        """Fail."""
        raise ValueError("no")


class LocalAsRemoteTests(SynchronousTestCase):
    """
    L{LocalAsRemote}.
    """

    def test_synchronous(self) -> None:
        """
        C{sync_} methods return what they return.
        """
        self.assertEqual(Pond().callRemote("depth", scale=2), 10)

    def test_asynchronous(self) -> None:
        """
        C{async_} methods are wrapped in a Deferred that has fired.
        """
        self.assertEqual(self.successResultOf(Pond().callRemote("frogs", "Ann", "Bob")), ["Ann", "Bob"])

    def test_method(self) -> None:
        """
        A method can be passed on as a callable.
        """
        method = Pond().remoteMethod("frogs")
        self.assertEqual(self.successResultOf(method("Ann")), ["Ann"])

    def test_failure(self) -> None:
        """
        An exception fails the Deferred, and its traceback is printed.
        """
        printed = io.StringIO()
        self.patch(log, "logerr", printed)
        self.failureResultOf(Pond().callRemote("fail"), ValueError)
        self.assertIn("ValueError: no", printed.getvalue())

    def test_quietFailure(self) -> None:
        """
        The traceback isn't printed where that isn't wanted.
        """
        printed = io.StringIO()
        self.patch(log, "logerr", printed)
        self.patch(Pond, "reportAllTracebacks", 0)
        self.failureResultOf(Pond().callRemote("fail"), ValueError)
        self.failureResultOf(Pond().callRemote("absent"), AttributeError)
        self.assertEqual(printed.getvalue(), "")


class LocalAsyncForwarderTests(SynchronousTestCase):
    """
    L{LocalAsyncForwarder}.
    """

    def test_forwarded(self) -> None:
        """
        Methods of the interface are called.
        """
        forwarder = LocalAsyncForwarder(Frog(), IFrog)
        self.assertEqual(self.successResultOf(forwarder.callRemote("jump", height=3)), "jumped 3")
        self.failureResultOf(forwarder.callRemote("fail"), ValueError)

    def test_others(self) -> None:
        """
        Other methods aren't: the result is None, or a failure if wanted.
        """
        self.assertIsNone(self.successResultOf(LocalAsyncForwarder(Frog(), IFrog).callRemote("hide")))
        strict = LocalAsyncForwarder(Frog(), IFrog, failWhenNotImplemented=1)
        failure = self.failureResultOf(strict.callRemote("hide"), NotImplementedError)
        self.assertIn("hide", failure.getErrorMessage())

    def test_provider(self) -> None:
        """
        The object has to provide the interface.
        """
        self.assertRaises(AssertionError, LocalAsyncForwarder, object(), IFrog)
