"""
What the messages of Perspective Broker are for: a method for each.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger, LogLevel

from myspread._flavors.dispatch import LONGEST_NAME
from myspread._peer import LogBudget, Peer

__all__ = ["Messages", "asBytes"]

_log = Logger()


def asBytes(name: Any) -> Any:
    """A name as it travels; what isn't text stays as it is."""
    return name.encode("utf-8") if isinstance(name, str) else name


class Messages:
    """
    Takes the messages of the peer, each with its fields as they have arrived.
    A program that overrides one of these methods sees its messages.
    """

    _peer: Peer

    @property
    def peerLog(self) -> LogBudget:
        """What goes through here is what the peer may fill of the log."""
        return self._peer.log

    def localObjectForID(self, luid: Any) -> Any:
        """The object that is lent under an id or name, or None."""
        raise NotImplementedError

    def proto_version(self, vnum: Any) -> None:
        """C{[version, number]}: the peer's version of the protocol."""
        self._peer.versionReceived(vnum)

    def proto_didNotUnderstand(self, command: Any) -> None:
        """C{[didNotUnderstand, command]}: the peer doesn't know a message of ours."""
        text = "The peer did not understand the message {command}."
        self.peerLog.emit(_log, LogLevel.warn, text, command=command[:LONGEST_NAME])

    def proto_message(
        self, requestID: Any, objectID: Any, message: Any, answerRequired: Any, netArgs: Any, netKw: Any
    ) -> None:
        """C{[message, ...]}: a call of an object that is lent to the peer."""
        find = self.localObjectForID
        self._peer.run(find, requestID, objectID, message, answerRequired, netArgs, netKw)

    def proto_cachemessage(
        self, requestID: Any, objectID: Any, message: Any, answerRequired: Any, netArgs: Any, netKw: Any
    ) -> None:
        """C{[cachemessage, ...]}: an update of a cache that we hold."""
        find = self._peer.caches.taken.get
        self._peer.run(find, requestID, objectID, message, answerRequired, netArgs, netKw)

    def proto_answer(self, requestID: Any, netResult: Any) -> None:
        """C{[answer, request, result]}: the result of a call of ours."""
        self._peer.answerReceived(requestID, netResult)

    def proto_error(self, requestID: Any, fail: Any) -> None:
        """C{[error, request, failure]}: the failure of a call of ours."""
        self._peer.errorReceived(requestID, fail)

    def proto_decref(self, objectID: Any) -> None:
        """C{[decref, id]}: the peer gives a reference back."""
        self._peer.decrefReceived(asBytes(objectID))

    def proto_decache(self, objectID: Any) -> None:
        """C{[decache, id]}: the peer has forgotten a receipt of a cache."""
        self._peer.decacheReceived(objectID)

    def proto_uncache(self, objectID: Any) -> None:
        """C{[uncache, id]}: a cache of ours is no longer kept up to date."""
        self._peer.uncacheReceived(objectID)
