"""
Which public name each object is documented under, and links by any other.

The modules of the package share many objects, and most are defined in private
modules. Each is documented once, in the first of L{MODULES} that has it; the
directive C{shared-names} lists what a module has besides. Objects that are
Twisted's own are described by hand. Every public name must end up with a
description.
"""

from __future__ import annotations

import builtins
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

__all__ = ["MODULES", "homeOf", "setup", "targetFor"]

_log = logging.getLogger(__name__)

MODULES = [
    "myspread.limits",
    "myspread.security",
    "myspread.accounts",
    "myspread.interfaces",
    "myspread.testing",
    "myspread.substitution",
    "myspread.banana",
    "myspread.jelly",
    "myspread.pb",
    "myspread.flavors",
    "myspread.util",
    "myspread.publish",
]
"""The public modules, in the order in which objects are looked for."""

_VALUES = (int, str, bytes, tuple)
"""Types of objects that are equal by chance; each such name stands for itself."""

_homes: dict[int, str] = {}


def _publicNames(moduleName: str) -> dict[str, Any]:
    module = import_module(moduleName)
    return {name: getattr(module, name) for name in module.__all__}


def _index() -> dict[int, str]:
    if not _homes:
        for moduleName in MODULES:
            for name, value in _publicNames(moduleName).items():
                if not isinstance(value, _VALUES):
                    _homes.setdefault(id(value), f"{moduleName}.{name}")
    return _homes


def homeOf(value: Any, default: str | None = None) -> str | None:
    """The full name under which an object is documented."""
    return default if isinstance(value, _VALUES) else _index().get(id(value), default)


def _walk(start: Any, steps: list[str]) -> tuple[str | None, bool]:
    """
    Follow attributes from an object.

    @return: the documented name of where they lead, and whether they lead
        anywhere.
    """
    value, target = start, homeOf(start)
    for step in steps:
        fields = getattr(value, "__annotations__", {})
        if not hasattr(value, step) and step not in fields:
            return None, False
        value = getattr(value, step, None)
        target = homeOf(value, target and f"{target}.{step}")
    public = target is not None and target.startswith("myspread.") and "._" not in target
    return (target if public else None), True


def _imported(name: str) -> tuple[Any, list[str]] | None:
    """The longest module in a dotted name, and the steps that remain."""
    steps = name.split(".")
    for length in range(len(steps), 0, -1):
        try:
            return import_module(".".join(steps[:length])), steps[length:]
        except ImportError:
            continue
    return None


def targetFor(mentioned: str, where: str, documented: Any) -> str | None:
    """
    What Sphinx calls a thing that a docstring mentions.

    @param mentioned: its name: an attribute of the class around, a name in the
        defining module, a public name, or a full name.
    @param where: the full name of what the docstring belongs to.
    @param documented: the object that it belongs to.
    @return: None for what isn't documented here: private, or of another
        package.
    @raise LookupError: when it names nothing.
    """
    steps = mentioned.split(".")
    starts: list[tuple[Any, list[str]]] = []
    around = _imported(where)
    if around is not None:
        value = around[0]
        for step in around[1]:
            if isinstance(value, type):
                starts.append((value, steps))
            value = getattr(value, step, None)
        if isinstance(value, type):
            starts.append((value, steps))
    for owner in [start for start, _ in starts] + [documented]:
        module = sys.modules.get(getattr(owner, "__module__", None) or "")
        if module is not None and hasattr(module, steps[0]):
            starts.append((getattr(module, steps[0]), steps[1:]))
    for moduleName in MODULES:
        if steps[0] in _publicNames(moduleName):
            starts.append((getattr(import_module(moduleName), steps[0]), steps[1:]))
    if hasattr(builtins, steps[0]):
        starts.append((getattr(builtins, steps[0]), steps[1:]))
    if len(steps) > 1 and (found := _imported(mentioned)) is not None:
        starts.append(found)
    for start, rest in starts:
        target, leads = _walk(start, rest)
        if leads:
            return target
    raise LookupError(mentioned)


def skipMember(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Skip what is documented in another module, or described by hand."""
    if what != "module":
        return None
    current = app.env.temp_data["autodoc:module"]
    if isinstance(obj, ModuleType) or _isForeign(obj):
        return True
    return True if homeOf(obj, f"{current}.{name}") != f"{current}.{name}" else None


def _isForeign(value: Any) -> bool:
    owner = getattr(value, "__module__", None)
    return isinstance(owner, str) and not owner.startswith("myspread")


class SharedNames(SphinxDirective):
    """
    C{.. shared-names:: module}: the names of a module that are documented in
    another one.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The list, or nothing where there are none."""
        moduleName = self.arguments[0]
        entries = []
        for name, value in sorted(_publicNames(moduleName).items(), key=lambda entry: entry[0].lower()):
            home = homeOf(value)
            if home is not None and home != f"{moduleName}.{name}":
                entries.append(f"- ``{name}``: :py:obj:`{home}`")
        if not entries:
            return []
        lines = ["The module also has these names, which are documented elsewhere:", "", *entries]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source=moduleName), 0, container)
        return container.children


def resolvePrivate(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
) -> nodes.Element | None:
    """
    Resolve a reference to a private name of a public object, and leave names
    of other packages without a link. What can't be imported stays unresolved.
    """
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"]
    if hasattr(builtins, name.split(".")[0]) or name in ("Any", "Self", "optional"):
        return contnode
    found = _public(name) or _inOrigins(name, node.get("py:module")) or _imported(name)
    if found is None:
        return None
    target, leads = _walk(*found)
    if not leads:
        return None
    if target is None:
        return contnode
    domain = env.domains.python_domain
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, contnode)


def _public(name: str) -> tuple[Any, list[str]] | None:
    """Find what pages mention by its short name, such as C{Limits.references}."""
    first, *rest = name.split(".")
    for moduleName in MODULES:
        names = _publicNames(moduleName)
        if first in names:
            return names[first], rest
    return None


def _inOrigins(name: str, moduleName: str | None) -> tuple[Any, list[str]] | None:
    """Find what annotations mention where the objects of a documented module are defined."""
    for value in _publicNames(moduleName).values() if moduleName else ():
        module = sys.modules.get(getattr(value, "__module__", None) or "")
        if module is not None and hasattr(module, name):
            return getattr(module, name), []
    return None


def checkComplete(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of each public name that has no description."""
    described = env.domains.python_domain.objects
    for moduleName in MODULES:
        for name, value in _publicNames(moduleName).items():
            target = homeOf(value, f"{moduleName}.{name}")
            if not isinstance(value, ModuleType) and target not in described:
                _log.warning("%s.%s is not described anywhere", moduleName, name)


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls to load this extension."""
    app.add_directive("shared-names", SharedNames)
    app.connect("autodoc-skip-member", skipMember)
    app.connect("missing-reference", resolvePrivate)
    app.connect("env-check-consistency", checkComplete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
