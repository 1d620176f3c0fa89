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

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from myspread._service.settings import Setting, Settings

__all__ = ["WrongFile", "nearest", "readFile"]

# In the standard library from Python 3.11 on.
_toml: Any = import_module("tomllib" if find_spec("tomllib") else "tomli")

ONLY_OPTIONS = ("config", "check")
"""What makes no sense in a file."""


class WrongFile(Exception):
    """
    A file that has no such settings. The message is one line, and says why.
    """


def readFile(path: str, settings: Settings) -> None:
    """
    Take note of what a file says.

    @param path: of the file.
    @raise WrongFile: when it can't be read, is no TOML, or says something that
        is no setting, or of the wrong type.
    """
    try:
        content = _toml.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongFile(error.strerror or str(error)) from error
    # Both what is no TOML and what is no UTF-8.
    except ValueError as error:
        raise WrongFile(" ".join(str(error).split())) from error
    for key, value in content.items():
        for one in _values(_setting(key, settings), value):
            settings.say(key, one, path)


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
        raise WrongFile(f"{key} is an option only, and can't be said in a file")
    if key not in known:
        raise WrongFile(f"there is no setting {key!r}; do you mean {nearest(key, known)}?")
    return settings.setting(key)


def _values(setting: Setting, value: Any) -> Iterator[Any]:
    """What was said, in the form in which an option says it."""
    if setting.isFlag:
        if not isinstance(value, bool):
            raise WrongFile(f"{setting.name} is true or false, not {value!r}")
        yield value
    elif setting.pairs and isinstance(value, dict):
        yield from _pairs(value, "")
    elif setting.repeats and isinstance(value, list):
        for each in value:
            yield _text(setting.name, each)
    else:
        yield _text(setting.name, value)


def _pairs(table: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _pairs(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={_text(prefix + name, value)}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise WrongFile(f"{name} is text or a number, not {value!r}")
    return str(value)
