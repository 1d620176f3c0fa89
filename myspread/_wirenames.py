"""
The one table of names that travel.

Perspective Broker sends the qualified names of classes, so where a class lives
is part of the wire format. Classes that stand for one of C{twisted.spread}
travel, both ways, under its name.
"""

from __future__ import annotations

from twisted.python.reflect import qual

__all__ = ["localName", "wireName"]

_WIRE_NAMES = {
    "myspread._flavors.failures.CopyableFailure": "twisted.spread.pb.CopyableFailure",
    "myspread._flavors.failures.CopiedFailure": "twisted.spread.pb.CopiedFailure",
    "myspread._flavors.copying.Copyable": "twisted.spread.flavors.Copyable",
    "myspread._flavors.copying.RemoteCopy": "twisted.spread.flavors.RemoteCopy",
    "myspread._flavors.caching.Cacheable": "twisted.spread.flavors.Cacheable",
    "myspread._flavors.caching.RemoteCache": "twisted.spread.flavors.RemoteCache",
    "myspread._flavors.referencing.Referenceable": "twisted.spread.flavors.Referenceable",
    "myspread._flavors.referencing.Root": "twisted.spread.flavors.Root",
    "myspread._flavors.viewing.Viewable": "twisted.spread.flavors.Viewable",
    "myspread._flavors.viewing.ViewPoint": "twisted.spread.flavors.ViewPoint",
    "myspread._flavors.perspective.Avatar": "twisted.spread.pb.Avatar",
    "myspread._flavors.published.Publishable": "twisted.spread.publish.Publishable",
    "myspread._flavors.published.RemotePublished": "twisted.spread.publish.RemotePublished",
    "myspread._jelly.bases.Jellyable": "twisted.spread.jelly.Jellyable",
    "myspread._jelly.bases.Unjellyable": "twisted.spread.jelly.Unjellyable",
}

_LOCAL_NAMES = {wire: local for local, wire in _WIRE_NAMES.items()}


def wireName(klass: type) -> bytes:
    """The qualified name under which C{klass} travels, as UTF-8."""
    name = qual(klass)
    return _WIRE_NAMES.get(name, name).encode("utf-8")


def localName(name: str) -> str:
    """The qualified name of our own class for a name that has arrived."""
    return _LOCAL_NAMES.get(name, name)
