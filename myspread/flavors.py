"""
The ways in which objects travel. The names of L{twisted.spread.flavors}.
"""

from __future__ import annotations

from myspread._errors import NoSuchMethod
from myspread._flavors.caching import (
    Cacheable,
    RemoteCache,
    RemoteCacheMethod,
    RemoteCacheObserver,
    unjellyCached,
    unjellyLCache,
)
from myspread._flavors.copying import Copyable, RemoteCopy
from myspread._flavors.referencing import Referenceable, Root, Serializable
from myspread._flavors.remote import unjellyLocal
from myspread._flavors.viewing import Viewable, ViewPoint
from myspread._jelly import (
    Jellyable,
    Unjellyable,
    defaultRegistry,
    getInstanceState,
    setInstanceState,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
)
from myspread.interfaces import IPBRoot

__all__ = [
    "Cacheable",
    "Copyable",
    "IPBRoot",
    "Jellyable",
    "NoSuchMethod",
    "Referenceable",
    "RemoteCache",
    "RemoteCacheMethod",
    "RemoteCacheObserver",
    "RemoteCopy",
    "Root",
    "Serializable",
    "Unjellyable",
    "ViewPoint",
    "Viewable",
    "cache_atom",
    "cached_atom",
    "copyTags",
    "copy_atom",
    "getInstanceState",
    "remote_atom",
    "setCopierForClass",
    "setCopierForClassTree",
    "setFactoryForClass",
    "setInstanceState",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "unjellyCached",
    "unjellyLCache",
    "unjellyLocal",
    "unjellyableRegistry",
]

setCopierForClass = setUnjellyableForClass
setCopierForClassTree = setUnjellyableForClassTree
setFactoryForClass = setUnjellyableFactoryForClass
unjellyableRegistry = defaultRegistry.unjellyables
copyTags = unjellyableRegistry

copy_atom = b"copy"
cache_atom = b"cache"
cached_atom = b"cached"
remote_atom = b"remote"
