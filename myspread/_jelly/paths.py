"""
Where in a message something is, for error texts: C{args[0].pond.frogs}.

Paths are worked out only once something has gone wrong, so that the usual case
pays nothing for them.
"""

from __future__ import annotations

from typing import Any

__all__ = ["brief", "briefText", "keyStep", "locate", "shorten"]

_LONGEST_KEY = 60
_LONGEST_TEXT = 200
_LONGEST_PATH = 240

_CONTAINERS = (b"list", b"tuple", b"set", b"frozenset", b"dictionary", b"reference")
"""Tags of the forms whose parts aren't an object's state."""


def shorten(path: str) -> str:
    """A path with its middle left out where it is very long."""
    if len(path) <= _LONGEST_PATH:
        return path
    half = _LONGEST_PATH // 2
    return f"{path[:half]}...{path[-half:]}"


def brief(value: Any) -> str:
    """
    The repr of C{value}, cut to a length that fits a log line. Only scalars
    are shown; of anything else, its type, since a repr may cost any amount.
    """
    if isinstance(value, (bytes, str)):
        shown = repr(value[:_LONGEST_KEY])
        return shown if len(value) <= _LONGEST_KEY else shown + "..."
    if value is None or isinstance(value, (bool, float)):
        return repr(value)
    if isinstance(value, int):
        return repr(value) if value.bit_length() <= 128 else f"<int of {value.bit_length()} bits>"
    return f"<{type(value).__name__}>"


def briefText(error: Exception) -> str:
    """What an error says, cut in the same way: many quote what they were given."""
    text = str(error)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def keyStep(key: Any, ofInstance: bool) -> str:
    """
    The step from a dictionary to the value under C{key}.

    @param ofInstance: whether the dictionary is an object's state.
    """
    if isinstance(key, bytes) and ofInstance:
        key = key.decode("utf-8", "replace")
    if ofInstance and isinstance(key, str) and key.isidentifier():
        return f".{key}"
    return f"[{brief(key)}]"


def _keyOf(form: Any) -> Any:
    if isinstance(form, list) and len(form) == 2 and form[0] == b"unicode" and isinstance(form[1], bytes):
        return form[1].decode("utf-8", "replace")
    return form


def _step(parent: list[Any], index: int, ofInstance: bool) -> str:
    tag = parent[0]
    if tag in (b"list", b"tuple"):
        return f"[{index - 1}]"
    if tag in (b"set", b"frozenset"):
        return "{item}"
    if tag == b"dictionary":
        pair = parent[index]
        return keyStep(_keyOf(pair[0]), ofInstance) if pair else f"[{index - 1}]"
    return ""


def _path(places: list[tuple[list[Any], int]]) -> str:
    """
    The steps down through some lists.

    @param places: from the outside in, each list and the index in it.
    """
    path = ""
    ofInstance = inPair = False
    for parent, index in places:
        if inPair:
            inPair = False
            continue
        path += _step(parent, index, ofInstance)
        inPair = parent[0] == b"dictionary"
        if parent[0] != b"reference":
            ofInstance = parent[0] not in _CONTAINERS
    return path


def locate(root: Any, node: Any, name: str) -> str:
    """
    The path from C{root} to the very list C{node} inside it.

    @param root: an s-expression.
    @param name: what to call the root, such as C{"args"}.
    @return: the path, or just C{name} if C{node} isn't inside.
    """
    todo: list[tuple[Any, Any]] = [(root, None)]
    while todo:
        here, trail = todo.pop()
        if here is node:
            places = []
            while trail is not None:
                trail, parent, index = trail
                places.append((parent, index))
            return shorten(name + _path(places[::-1]))
        if isinstance(here, list):
            for index, child in enumerate(here):
                if isinstance(child, list):
                    todo.append((child, (trail, here, index)))
    return name
