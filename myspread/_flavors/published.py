"""
Cacheables whose state the peer keeps in a file from one session to the next.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from myspread._codec import Decoder, encode
from myspread._flavors.caching import Cacheable, RemoteCache, RemoteCacheObserver
from myspread._flavors.viewing import ViewPoint
from myspread._jelly import jelly, unjelly
from myspread._jelly.paths import brief
from myspread._jelly.telling import tellFailure
from myspread.limits import Limits

__all__ = ["Publishable", "RemotePublished", "whenReady"]

_log = Logger()


class Publishable(Cacheable):
    """
    An object whose state the peer may keep: as long as the time stamp is that
    of its copy, nothing but that is sent.

    @ivar publishedID: the name of the object, the same in every session.
    @ivar timestamp: when the state last changed, in seconds since the epoch.
    """

    def __init__(self, publishedID: Any) -> None:
        self.republish()
        self.publishedID = publishedID

    def republish(self) -> None:
        """Note that the state has changed: peers that connect get it anew."""
        self.timestamp = time.time()

    def view_getStateToPublish(self, perspective: Any) -> Any:
        """The state, for the peer's C{RemotePublished}."""
        return self.getStateToPublishFor(perspective)

    def getStateToPublishFor(self, perspective: Any) -> Any:
        """The state as one perspective sees it; by default L{getStateToPublish}'s."""
        return self.getStateToPublish()

    def getStateToPublish(self) -> Any:
        """
        The state (a dictionary) that peers get. Subclasses override this.

        @raise NotImplementedError: always.
        """
        raise NotImplementedError(f"{type(self).__qualname__} must override getStateToPublish")

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: RemoteCacheObserver) -> Any:
        """What a peer needs to decide whether its own copy is still good."""
        return {
            "remote": ViewPoint(perspective, self),
            "publishedID": self.publishedID,
            "perspective": perspective.perspectiveName if perspective else "None",
            "service": perspective.getService().serviceName if perspective else "None",
            "timestamp": self.timestamp,
        }


class RemotePublished(RemoteCache):
    """
    What becomes of a L{Publishable} at the peer. Its state comes from a file
    in the working directory if that is recent, else from the original; then it
    is activated.

    @ivar isActivated: whether the state is there.
    """

    isActivated = 0
    _wasCleanWhenLoaded = 0

    # Set by the state that arrives.
    service: str
    perspective: str
    publishedID: Any
    timestamp: float
    remote: Any

    def getFileName(self, ext: str = "pub") -> str:
        """The name of the file: C{service-perspective-id.pub}."""
        # The peer chooses these, but not the directory.
        return re.sub(
            r"[/\\:\0]",
            lambda match: f"%{ord(match[0]):02X}",
            f"{self.service}-{self.perspective}-{self.publishedID}.{ext}",
        )

    def setCopyableState(self, state: Any) -> None:
        """Take over the state, from the file or from the peer."""
        self.__dict__.update(state)
        self._activationListeners: list[Callable[[Any], Any]] = []
        saved = self._saved()
        if saved is not None and saved.timestamp == self.timestamp:
            self._cbGotUpdate(saved.__dict__)
            self._wasCleanWhenLoaded = 1
        else:
            asked = self.remote.callRemote("getStateToPublish")
            asked.addCallback(self._cbGotUpdate)
            asked.addErrback(self._notActivated)

    def _notActivated(self, failure: Failure) -> None:
        text = "{id} has no state to activate it with."
        tellFailure(self.broker, _log, text, failure, id=brief(self.publishedID))

    def _saved(self) -> Any:
        path = Path(self.getFileName())
        if not path.exists():
            return None
        (sexp,) = Decoder(Limits()).feed(path.read_bytes())
        return unjelly(sexp)

    def __getstate__(self) -> dict[str, Any]:
        """What the file keeps: the state without what belongs to this session."""
        ours = ("broker", "remote", "luid", "_activationListeners", "isActivated")
        return {name: value for name, value in self.__dict__.items() if name not in ours}

    def _cbGotUpdate(self, newState: dict[str, Any]) -> None:
        self.__dict__.update(newState)
        self.isActivated = 1
        listeners, self._activationListeners = self._activationListeners, []
        for listener in listeners:
            listener(self)
        self.activated()
        Path(self.getFileName()).write_bytes(encode(jelly(self)))

    def activated(self) -> None:
        """The state is there. Subclasses override this."""

    def callWhenActivated(self, callback: Callable[[Any], Any]) -> None:
        """Call C{callback(self)} once the state is there."""
        if self.isActivated:
            callback(self)
        else:
            self._activationListeners.append(callback)


def whenReady(d: Deferred[Any]) -> Deferred[Any]:
    """
    Wait for a published object and its state.

    @param d: a Deferred of a L{RemotePublished}, as C{callRemote} returns it.
    @return: a Deferred of the same object, which fires once it is activated.
    """
    ready: Deferred[Any] = Deferred()
    d.addCallback(lambda published: published.callWhenActivated(ready.callback))
    d.addErrback(ready.errback)
    return ready
