"""
Settings from a file.

It is TOML: the keys are the names of the options, without dashes::

    port = ["tcp:8800", "unix:/run/pb.socket"]
    root = "shop:Shop"

    [limit]
    connections = 500
    messageLength = "4M"
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from myspread._service.settings import Setting, Settings, withoutSecret

__all__ = ["WrongFile", "nearest", "readFile"]

# In the standard library from Python 3.11 on.
_toml: Any = import_module("tomllib" if find_spec("tomllib") else "tomli")

ONLY_OPTIONS = ("config", "check")
"""What makes no sense in a file."""


Keys = tuple[str, ...]


class WrongFile(Exception):
    """
    A file that has no such settings. The message is one line: which file, where
    in it if that is known, and why.
    """


def readFile(path: str, settings: Settings) -> None:
    """
    Take note of what a file says.

    @param path: of the file.
    @raise WrongFile: when it can't be read, is no TOML, or says something that
        is no setting, or of the wrong type.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = _toml.loads(text)
    except OSError as error:
        raise WrongFile(f"{path}: {error.strerror or error}") from error
    # Both what is no TOML and what is no UTF-8.
    except ValueError as error:
        raise WrongFile(f"{path}: {' '.join(str(error).split())}") from error
    source = _File(path, text)
    for key, value in content.items():
        try:
            setting = _setting(key, settings)
            for keys, one, raw in _values(setting, value):
                source.note(setting, keys, one, raw)
                settings.say(key, one, source)
        except _Wrong as error:
            raise WrongFile(f"{path}{source.line(error.keys)}: {error}") from error


class _Wrong(ValueError):
    """
    What stands under some keys is no setting.
    """

    def __init__(self, keys: Keys, problem: str) -> None:
        super().__init__(problem)
        self.keys = keys


class _File:
    """
    What a file says, and in which line.

    @ivar name: its path.
    """

    def __init__(self, path: str, text: str) -> None:
        self.name = path
        self._text = text
        self._noted: dict[tuple[str, Any], tuple[Keys, Any]] = {}

    def note(self, setting: Setting, keys: Keys, value: Any, raw: Any) -> None:
        """
        Take note of where a value stands.

        @param raw: the value as it stands there.
        """
        self._noted[setting.name, value] = keys, raw

    def place(self, setting: Setting, value: str | None) -> str:
        """The option that names the file, the line, the key and its value."""
        keys, raw = self._noted.get((setting.name, value), ((setting.name,), None))
        where = f"--config {self.name}{self.line(keys, raw)}: {'.'.join(keys)}"
        if raw is None:
            return where
        return (
            f"{where} = {json.dumps(withoutSecret(str(raw)) if setting.secret else raw, ensure_ascii=False)}"
        )

    def line(self, keys: Keys, raw: Any = None) -> str:
        """In which line something stands, for a message; empty if that isn't known."""
        lines = self._text.split("\n")
        first, last = _statement(lines, keys)
        if raw is not None:
            # Of a list in several lines, that of the value.
            within = [number for number in range(first, last) if str(raw) in lines[number]]
            first = within[0] if len(within) == 1 else first
        return f", line {first + 1}" if last else ""


def _statement(lines: list[str], keys: Keys) -> tuple[int, int]:
    """
    The lines that say what some keys are, as a range of numbers from 0 on; an
    empty one if they aren't found. The parser doesn't tell: but before those
    lines there is no such key, and with them there is.
    """
    for first, line in enumerate(lines):
        if keys[-1] in line and _has(lines[:first], keys) is False:
            ends = range(first + 1, len(lines) + 1)
            last = next((end for end in ends if _has(lines[:end], keys) is not None), 0)
            if _has(lines[:last], keys):
                return first, last
    return 0, 0


def _has(lines: list[str], keys: Keys) -> bool | None:
    """Whether some lines say what some keys are; None when they aren't whole."""
    try:
        found = _toml.loads("\n".join(lines))
    except ValueError:
        return None
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            return False
        found = found[key]
    return True


def nearest(name: str, known: Iterable[str]) -> str:
    """
    The name that is most like one that doesn't exist.
    """
    lower = name.lower()
    return max(
        known, key=lambda each: (SequenceMatcher(None, lower, each.lower()).ratio(), each[:1] == lower[:1])
    )


def _setting(key: str, settings: Settings) -> Setting:
    known = [setting.name for setting in settings if setting.name not in ONLY_OPTIONS]
    if key in ONLY_OPTIONS:
        raise _Wrong((key,), f"{key} is an option only, and can't be said in a file")
    if key not in known:
        raise _Wrong((key,), f"there is no setting {key!r}; do you mean {nearest(key, known)}?")
    return settings.setting(key)


def _values(setting: Setting, value: Any) -> Iterator[tuple[Keys, Any, Any]]:
    """What was said: under which keys, in the form in which an option says it, and as it stands there."""
    keys = (setting.name,)
    if setting.isFlag:
        if not isinstance(value, bool):
            raise _Wrong(keys, f"{setting.name} is true or false, not {value!r}")
        yield keys, value, value
    elif setting.pairs and isinstance(value, dict):
        yield from _pairs(value, keys)
    elif setting.repeats and isinstance(value, list):
        for each in value:
            yield keys, _text(keys, each), each
    else:
        yield keys, _text(keys, value), value


def _pairs(table: dict[str, Any], above: Keys) -> Iterator[tuple[Keys, str, Any]]:
    for name, value in table.items():
        keys = (*above, name)
        if isinstance(value, dict):
            yield from _pairs(value, keys)
        else:
            yield keys, f"{'.'.join(keys[1:])}={_text(keys, value)}", value


def _text(keys: Keys, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _Wrong(keys, f"{'.'.join(keys)} is text or a number, not {value!r}")
    return str(value)
