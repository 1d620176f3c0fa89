"""
Which local class stands for which tag.

A L{Registry} is an instance that a policy or the process holds. The functions
of C{twisted.spread} act on L{defaultRegistry}, which every
L{myspread.security.SecurityOptions} consults, and on L{globalSecurity}.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from twisted.spread import jelly as _stock

from myspread._wirenames import wireName
from myspread.security import ITaster, SecurityOptions, SecurityPolicy, declarationOf

__all__ = [
    "Registry",
    "defaultRegistry",
    "globalSecurity",
    "protocolForms",
    "registerForm",
    "registryFor",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
]


# Its registries are declared with str as keys, but hold bytes.
stock: Any = _stock
_stockUnjellyables: dict[bytes, Any] = stock.unjellyableRegistry
_stockFactories: dict[bytes, Any] = stock.unjellyableFactoryRegistry


class Registry:
    """
    Maps the tags that arrive to the classes and factories that they become.

    @ivar unjellyables: by tag (bytes), a class with C{unjellyFor}, or a
        function called as C{function(unjellier, jellyList)}.
    @ivar factories: by tag (bytes), a function that takes the state.
    """

    def __init__(self) -> None:
        self.unjellyables: dict[bytes, Any] = {}
        self.factories: dict[bytes, Callable[[Any], Any]] = {}

    def find(self, tag: bytes) -> tuple[Any, Callable[[Any], Any] | None]:
        """The class and the factory for C{tag}; None where there is none."""
        return self.unjellyables.get(tag), self.factories.get(tag)


class _DefaultRegistry(Registry):
    """
    The process-wide registry, which knows C{twisted.spread}'s as well: classes
    that a program registered there are found here.
    """

    def find(self, tag: bytes) -> tuple[Any, Callable[[Any], Any] | None]:
        """The class and the factory for C{tag}; our own come first."""
        unjellyable, factory = super().find(tag)
        if unjellyable is None and factory is None:
            unjellyable = _stockUnjellyables.get(tag)
            factory = _stockFactories.get(tag)
        return unjellyable, factory


class _PolicyRegistry(Registry):
    """The registry of a closed policy: its own classes and the protocol's."""

    def __init__(self, policy: SecurityPolicy) -> None:
        super().__init__()
        self.unjellyables.update(protocolForms.unjellyables)
        self.unjellyables.update(policy.unjellyables)
        self.factories.update(policy.factories)
        self._policy = policy
        self._named = {tagFor(klass) for klass in policy.classes} if policy.unknown is not None else set()

    def find(self, tag: bytes) -> tuple[Any, Callable[[Any], Any] | None]:
        """The class and the factory for C{tag}, or what stands for unknown ones."""
        unjellyable, factory = super().find(tag)
        if unjellyable is None and factory is None and tag not in self._named and self._policy.isUnknown(tag):
            unjellyable = self._policy.unknown
        return unjellyable, factory


class _GlobalSecurity(SecurityOptions):
    """
    The process-wide options. What C{twisted.spread}'s own allow, they allow.
    """

    def isTypeAllowed(self, typeName: str | bytes) -> bool:
        """Whether either of the two allows this tag."""
        return super().isTypeAllowed(typeName) or stock.globalSecurity.isTypeAllowed(typeName)

    isTypeAllowed.passesQualifiedNames = True  # type: ignore[attr-defined]

    def isModuleAllowed(self, moduleName: str | bytes) -> bool:
        """Whether either of the two allows this module."""
        return super().isModuleAllowed(moduleName) or stock.globalSecurity.isModuleAllowed(moduleName)

    def isClassAllowed(self, klass: type) -> bool:
        """Whether either of the two allows this class."""
        return super().isClassAllowed(klass) or stock.globalSecurity.isClassAllowed(klass)


protocolForms = Registry()
"""The forms of the protocol itself: references, caches and failures."""

defaultRegistry = _DefaultRegistry()
"""What C{setUnjellyableForClass} and its relatives fill."""

globalSecurity = _GlobalSecurity()
"""The options under which a broker works that was given none."""
globalSecurity.allowBasicTypes()


def registryFor(taster: ITaster) -> Registry:
    """The registry that goes with a policy."""
    if isinstance(taster, SecurityPolicy):
        return _PolicyRegistry(taster)
    return defaultRegistry


def registerForm(tag: bytes, unjellyable: Any) -> None:
    """Register a form of the protocol itself."""
    protocolForms.unjellyables[tag] = unjellyable
    setUnjellyableForClass(tag, unjellyable)


def tagFor(classname: str | bytes | type) -> bytes:
    """The tag that a class, or the name of one, travels under."""
    if isinstance(classname, type):
        return wireName(classname)
    return classname if isinstance(classname, bytes) else classname.encode("utf-8")


def setUnjellyableForClass(classname: str | bytes | type, unjellyable: Any) -> None:
    """
    Let C{unjellyable} stand for a remote class, and allow it in
    L{globalSecurity}.

    @param classname: the tag: the sender's qualified class name, what its
        C{getTypeToCopyFor} returns, or the sender's class itself.
    @param unjellyable: a class with C{unjellyFor}, such as a C{RemoteCopy} or
        C{RemoteCache} whose C{__init__} needs no argument, or a class that
        C{pb.value} has declared.
    """
    tag = tagFor(classname)
    declaration = declarationOf(unjellyable)
    if declaration is not None and declaration.factory is not None:
        # An instance can't be there before its state is.
        defaultRegistry.unjellyables.pop(tag, None)
        setUnjellyableFactoryForClass(tag, declaration.factory)
        return
    defaultRegistry.unjellyables[tag] = unjellyable
    globalSecurity.allowTypes(tag)


def setUnjellyableFactoryForClass(
    classname: str | bytes | type, copyFactory: Callable[[Any], Any]
) -> None:
    """
    Let C{copyFactory} make the object that stands for a remote class, and
    allow it in L{globalSecurity}.

    @param classname: as in L{setUnjellyableForClass}.
    @param copyFactory: called with the state; what it returns is the object.
    """
    tag = tagFor(classname)
    defaultRegistry.factories[tag] = copyFactory
    globalSecurity.allowTypes(tag)


def setUnjellyableForClassTree(module: ModuleType, baseClass: type, prefix: str | None = None) -> None:
    """
    Call L{setUnjellyableForClass} for each class in C{module} that derives
    from C{baseClass}.

    @param prefix: the tags are C{prefix.ClassName}. None stands for the
        module's name; with C{""} the tags are the bare class names.
    """
    if prefix is None:
        prefix = module.__name__
    start = f"{prefix}." if prefix else ""
    for name in dir(module):
        loaded = getattr(module, name)
        if isinstance(loaded, type) and issubclass(loaded, baseClass):
            setUnjellyableForClass(start + name, loaded)
