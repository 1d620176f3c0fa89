"""
Completion of what is typed at a prompt, by what the server says of its objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from rlcompleter import Completer as NameCompleter
from typing import Any

from myspread import pb

__all__ = ["Completer"]

_REMOTE = re.compile(r"(?P<name>\w+)\.remote\.(?P<start>\w*)\Z")
_CALL = re.compile(r"(?P<name>\w+)\.callRemote\((?P<quote>['\"])(?P<start>\w*)\Z")


class Completer:
    """
    Completes names of this side as Python does, and methods of the other one in
    C{root.remote.NAME} and C{root.callRemote("NAME")}.
    """

    def __init__(self, names: dict[str, Any], methodsOf: Callable[[Any], list[str]]) -> None:
        """
        @param names: what there is to complete.
        @param methodsOf: gives the methods of a remote object, as far as they
            are known.
        """
        self._names = names
        self._plain = NameCompleter(names)
        self._methodsOf = methodsOf
        self._matches: list[str] = []

    def complete(self, word: str, state: int, line: str | None = None) -> str | None:
        """
        The completions of a word, one after the other, as C{readline} wants them.

        @param line: the line up to the cursor; by default the word is all of it.
        """
        if state == 0:
            self._matches = self._remote(word, word if line is None else line)
        if self._matches:
            return self._matches[state] if state < len(self._matches) else None
        found: str | None = self._plain.complete(word, state)
        return found

    def _remote(self, word: str, line: str) -> list[str]:
        found = _REMOTE.search(line) or _CALL.search(line)
        target = self._names.get(found["name"]) if found is not None else None
        if found is None or not isinstance(target, pb.RemoteReference):
            return []
        kept = word[: len(word) - len(found["start"])]
        return [kept + name for name in self._methodsOf(target) if name.startswith(found["start"])]
