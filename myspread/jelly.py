"""
Jelly: objects as s-expressions. The names of L{twisted.spread.jelly}.
"""

from __future__ import annotations

from incremental import Version
from twisted.python.deprecate import deprecatedModuleAttribute

from myspread._errors import InsecureJelly, MalformedJelly
from myspread._jelly import (
    Jellyable,
    Unjellyable,
    Unpersistable,
    defaultRegistry,
    getInstanceState,
    globalSecurity,
    jelly,
    setInstanceState,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
    unjelly,
)
from myspread.interfaces import IJellyable, IUnjellyable
from myspread.security import DummySecurityOptions, SecurityOptions, SecurityPolicy

__all__ = [
    "DictTypes",
    "DummySecurityOptions",
    "IJellyable",
    "IUnjellyable",
    "InsecureJelly",
    "Jellyable",
    "MalformedJelly",
    "None_atom",
    "SecurityOptions",
    "SecurityPolicy",
    "Unjellyable",
    "Unpersistable",
    "class_atom",
    "dereference_atom",
    "dictionary_atom",
    "frozenset_atom",
    "function_atom",
    "getInstanceState",
    "globalSecurity",
    "instance_atom",
    "jelly",
    "list_atom",
    "module_atom",
    "persistent_atom",
    "reference_atom",
    "setInstanceState",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "set_atom",
    "tuple_atom",
    "unjelly",
    "unjellyableFactoryRegistry",
    "unjellyableRegistry",
    "unpersistable_atom",
]

DictTypes = (dict,)

None_atom = b"None"
class_atom = b"class"
dereference_atom = b"dereference"
dictionary_atom = b"dictionary"
frozenset_atom = b"frozenset"
function_atom = b"function"
instance_atom = b"instance"
list_atom = b"list"
module_atom = b"module"
persistent_atom = b"persistent"
reference_atom = b"reference"
set_atom = b"set"
tuple_atom = b"tuple"
unpersistable_atom = b"unpersistable"

deprecatedModuleAttribute(
    Version("Twisted", 15, 0, 0),
    "instance_atom is unused within Twisted.",
    __name__,
    "instance_atom",
)

unjellyableRegistry = defaultRegistry.unjellyables
"""By tag, the classes that stand for remote ones, process-wide."""

unjellyableFactoryRegistry = defaultRegistry.factories
"""By tag, the functions that make objects of remote state, process-wide."""
