"""
Certificates that are replaced while the server runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogLevel

from myspread._service.tls import ServerTls

__all__ = ["CertificateService"]

_log = Logger()

EVERY = 1.0
"""Seconds from one look at the files to the next."""

State = tuple[tuple[int, ...] | None, ...]


class CertificateService(Service):
    """
    Loads the files of TLS again when they have changed, or when it is told to.

    Connections that there are keep what they have; new ones get what is loaded.
    Files that can't be used are logged, once, and change nothing.
    """

    def __init__(self, clock: IReactorTime, ports: Sequence[ServerTls]) -> None:
        """
        @param clock: says when to look.
        @param ports: whose files they are.
        """
        self._clock = clock
        self._ports = ports
        self._loaded: dict[ServerTls, State] = {port: _stateOf(port) for port in ports}
        self._seen = dict(self._loaded)
        self._looking = LoopingCall(self.look)
        self._looking.clock = clock

    def startService(self) -> None:
        """Begin to look at the files."""
        Service.startService(self)
        for port in self._ports:
            _tell(port, "is used", self._clock.seconds())
        if self._ports:
            self._looking.start(EVERY, now=False)

    def stopService(self) -> None:
        """Don't look any more."""
        Service.stopService(self)
        if self._looking.running:
            self._looking.stop()

    def look(self) -> None:
        """
        Load what has changed, once it hasn't changed since the last look: a key
        and its certificate are replaced one after the other.
        """
        for port in self._ports:
            state = _stateOf(port)
            if state != self._loaded[port] and state == self._seen[port]:
                self._load(port, state)
            self._seen[port] = state

    def reload(self) -> None:
        """Load all files again, as they are now."""
        for port in self._ports:
            self._load(port, _stateOf(port))

    def _load(self, port: ServerTls, state: State) -> None:
        # What can't be used is tried again only when it changes again.
        self._loaded[port] = state
        try:
            port.reload()
        # WrongFiles is a ValueError.
        except (OSError, ValueError) as error:
            text = "The certificate of {port} stays what it is, as the new files can't be used: {error}"
            _log.error(text, port=port.description, error=" ".join(str(error).split()))
        else:
            _tell(port, "is loaded again, for new connections", self._clock.seconds())


def _stateOf(port: ServerTls) -> State:
    return tuple(_stateOfFile(path) for path in port.files.paths)


def _stateOfFile(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev


def _tell(port: ServerTls, what: str, now: float) -> None:
    certificate = port.certificate
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    isValid = begin.timestamp() <= now <= end.timestamp()
    _log.emit(
        LogLevel.info if isValid else LogLevel.warn,
        "The certificate of {port} {what}: {subject}, valid {until} {when:%Y-%m-%d %H:%M} UTC",
        port=port.description,
        what=what,
        subject=certificate.subject.rfc4514_string() or "no name",
        until="until" if isValid else "only until" if end.timestamp() < now else "only from",
        when=begin if now < begin.timestamp() else end,
    )
