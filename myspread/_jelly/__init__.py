"""
S-expressions to Python objects and back, under a security policy.
"""

from myspread._jelly.bases import (
    Jellyable,
    Unjellyable,
    Unpersistable,
    createBlank,
    getInstanceState,
    newInstance,
    setInstanceState,
)
from myspread._jelly.registry import (
    Registry,
    defaultRegistry,
    globalSecurity,
    protocolForms,
    registryFor,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
)
from myspread._jelly.serialize import Jellier, jelly
from myspread._jelly.unserialize import Unjellier, unjelly

__all__ = [
    "Jellier",
    "Jellyable",
    "Registry",
    "Unjellier",
    "Unjellyable",
    "Unpersistable",
    "createBlank",
    "defaultRegistry",
    "getInstanceState",
    "globalSecurity",
    "jelly",
    "newInstance",
    "protocolForms",
    "registryFor",
    "setInstanceState",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
    "unjelly",
]
