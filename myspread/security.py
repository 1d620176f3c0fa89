"""
Who may send what: L{SecurityPolicy}, and its C{twisted.spread} form,
L{SecurityOptions}.

The engine asks both the same three questions, C{isTypeAllowed},
C{isModuleAllowed} and C{isClassAllowed}, and takes any other object that
answers them. Nothing is permitted by importing a module: permission is in the
object that a factory was given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType, ModuleType
from typing import Any, Literal, Protocol, get_args

from myspread._wirenames import wireName

__all__ = [
    "LOGIN_POLICY",
    "DummySecurityOptions",
    "Errors",
    "ITaster",
    "SecurityOptions",
    "SecurityPolicy",
    "Unsendable",
    "asTag",
]

Unsendable = Literal["unpersistable", "raise"]
Errors = Literal["text", "incident"]

PLAIN_TYPES = (
    b"None",
    b"boolean",
    b"unicode",
    b"decimal",
    b"datetime",
    b"date",
    b"time",
    b"timedelta",
    b"list",
    b"tuple",
    b"dictionary",
    b"set",
    b"frozenset",
    b"reference",
    b"dereference",
    b"unpersistable",
    b"persistent",
)
"""Tags of the Jelly forms that carry plain values."""

BROKER_TYPES = (
    b"remote",
    b"local",
    b"cached",
    b"lcache",
    b"twisted.spread.pb.CopyableFailure",
)
"""Tags of the forms without which no broker works: references and failures."""

JELLY_TYPES = frozenset(
    PLAIN_TYPES + BROKER_TYPES + (b"class", b"classobj", b"function", b"instance", b"method", b"module")
)
"""Tags of all forms that mean something by themselves: no application's."""


def asTag(name: str | bytes | type) -> bytes:
    """
    The form in which a type, class or module name travels.

    @param name: the name as text or UTF-8 bytes, or a class, which stands for
        its qualified name.
    """
    if isinstance(name, type):
        return wireName(name)
    return name if isinstance(name, bytes) else name.encode("utf-8")


DECLARATION = "__pbvalue__"
"""The attribute of a class under which C{pb.value} keeps what it declares."""


def declarationOf(klass: Any) -> Any:
    """
    What C{pb.value} has declared of a class itself: its C{tag}, and a
    C{factory} that makes an instance of its state, if one can't be there
    before. None if it has declared nothing of it.
    """
    return vars(klass).get(DECLARATION) if isinstance(klass, type) else None


class ITaster(Protocol):
    """
    What Jelly asks of any policy (the C{taster} of L{twisted.spread.jelly}).
    """

    def isTypeAllowed(self, typeName: str | bytes) -> bool:
        """Whether a form with this tag may be made into a value."""

    def isModuleAllowed(self, moduleName: str | bytes) -> bool:
        """Whether this module may be imported because the peer names it."""

    def isClassAllowed(self, klass: type) -> bool:
        """Whether instances of this class travel by its own name."""


class DummySecurityOptions:
    """
    Allows everything: for s-expressions that the program made itself.

    Never give it to a factory: a peer could then import any module and make an
    instance of any class.
    """

    def isModuleAllowed(self, moduleName: str | bytes) -> bool:
        """Always true."""
        return True

    def isClassAllowed(self, klass: type) -> bool:
        """Always true."""
        return True

    def isTypeAllowed(self, typeName: str | bytes) -> bool:
        """Always true."""
        return True


class SecurityOptions:
    """
    A policy that can be changed while it is in use, as in
    L{twisted.spread.jelly.SecurityOptions}.

    A new one allows scalars and sets only; L{allowBasicTypes} adds containers.
    Classes come from the process-wide registry that C{setUnjellyableForClass}
    fills. A L{SecurityPolicy} is the closed alternative.

    @ivar allowedTypes: tags (bytes) as keys.
    @ivar allowedModules: module names (bytes) as keys.
    @ivar allowedClasses: classes as keys.
    @ivar errors: what the peer sees of an error, as L{SecurityPolicy.errors}.
    @ivar describing: whether peers may ask what can be called, as
        L{SecurityPolicy.describing}.
    """

    errors: Errors = "text"
    describing: bool = False

    basicTypes = [
        "dictionary",
        "list",
        "tuple",
        "reference",
        "dereference",
        "unpersistable",
        "persistent",
        "long_int",
        "long",
        "dict",
    ]

    _SCALARS = (
        "None NoneType bool boolean string str int float unicode decimal "
        "datetime date time timedelta set frozenset"
    )

    def __init__(self) -> None:
        self.allowedTypes: dict[bytes, int] = {}
        self.allowedModules: dict[bytes, int] = {}
        self.allowedClasses: dict[type, int] = {}
        self.allowTypes(*self._SCALARS.split())

    def allowBasicTypes(self) -> None:
        """Allow the containers, references and persistent ids."""
        self.allowTypes(*self.basicTypes)

    def allowTypes(self, *types: str | bytes | type) -> None:
        """
        Allow forms by their tags; a class stands for its qualified name.
        """
        for name in types:
            self.allowedTypes[asTag(name)] = 1

    def allowInstancesOf(self, *classes: type) -> None:
        """
        Allow instances of these classes to travel by their own names.

        This allows the basic types and the C{instance}, C{class} and C{module}
        forms too, and importing the modules that define the classes.
        """
        self.allowBasicTypes()
        self.allowTypes("instance", "class", "classobj", "module")
        for klass in classes:
            self.allowTypes(klass)
            self.allowModules(klass.__module__)
            self.allowedClasses[klass] = 1

    def allowModules(self, *modules: str | bytes | ModuleType) -> None:
        """Allow modules, given themselves or by name, to be imported."""
        for module in modules:
            name = module.__name__ if isinstance(module, ModuleType) else module
            self.allowedModules[asTag(name)] = 1

    def isModuleAllowed(self, moduleName: str | bytes) -> bool:
        """Whether L{allowModules} was told of this name."""
        return asTag(moduleName) in self.allowedModules

    def isClassAllowed(self, klass: type) -> bool:
        """Whether L{allowInstancesOf} was told of this class."""
        return klass in self.allowedClasses

    def isTypeAllowed(self, typeName: str | bytes) -> bool:
        """
        Whether L{allowTypes} was told of this tag. Qualified names pass: what
        they may become is decided by the registry, module and class.
        """
        tag = asTag(typeName)
        return tag in self.allowedTypes or b"." in tag

    isTypeAllowed.passesQualifiedNames = True  # type: ignore[attr-defined]


_CHOICES: dict[str, tuple[str, ...]] = {"unsendable": get_args(Unsendable), "errors": get_args(Errors)}


@dataclass(frozen=True)
class SecurityPolicy:
    """
    Everything that a peer may send, and what we do with what we can't send.

    Immutable and closed: what it doesn't name is refused, whatever any module
    has registered. The C{allow...} methods return an extended copy::

        policy = SecurityPolicy().allowUnjellyable("pond.Pond", RemotePond)
        factory = pb.PBServerFactory(root, security=policy)
    """

    types: frozenset[bytes] = frozenset(PLAIN_TYPES + BROKER_TYPES)
    """Tags of the forms that are accepted."""

    unjellyables: Mapping[bytes, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Class (or C{unjellyFor}-like function) for each application tag."""

    factories: Mapping[bytes, Callable[[Any], Any]] = field(default_factory=lambda: MappingProxyType({}))
    """For each application tag, a function that makes an object from its state."""

    modules: frozenset[bytes] = frozenset()
    """Names of the modules that may be imported because the peer names them."""

    classes: frozenset[type] = frozenset()
    """Classes whose instances travel by their own qualified names, both ways."""

    functions: frozenset[bytes] = frozenset()
    """Qualified names of the functions that may be received."""

    unknown: Any = None
    """
    What stands for all application tags that the policy doesn't name: a class
    as in C{unjellyables}. By default there is none, and they are refused. It is
    for tools that show whatever a peer sends, and have no use for its classes.
    """

    describing: bool = False
    """
    Whether a peer that has a reference to an object of ours may ask what can be
    called there: class, methods, signatures and docstrings; see C{pb.describe}.
    Before a login there is nothing to ask about.
    """

    unsendable: Unsendable = "unpersistable"
    """
    What happens with a value of ours that cannot travel: C{"unpersistable"}
    sends a note in its place, as C{twisted.spread} does, and logs a warning;
    C{"raise"} fails the call with L{InsecureJelly}. Both name the path.
    """

    errors: Errors = "text"
    """
    What the peer sees of an error of ours that it wasn't meant to see, such as
    a mistake in a method: C{"text"} sends type and text, as C{twisted.spread}
    does; C{"incident"} sends an id only, under which our log has the error.
    """

    def __post_init__(self) -> None:
        """
        @raise ValueError: when C{unsendable} or C{errors} is none of the values
            that it may have.
        """
        for name, values in _CHOICES.items():
            if getattr(self, name) not in values:
                choice = " or ".join(map(repr, values))
                raise ValueError(f"SecurityPolicy.{name} must be {choice}, not {getattr(self, name)!r}")
        for name in ("types", "modules", "functions"):
            object.__setattr__(self, name, frozenset(map(asTag, getattr(self, name))))
        for name in ("unjellyables", "factories"):
            tagged = {asTag(tag): made for tag, made in getattr(self, name).items()}
            object.__setattr__(self, name, MappingProxyType(tagged))

    @classmethod
    def fromOptions(
        cls,
        options: SecurityOptions,
        unjellyables: Mapping[bytes, Any] = MappingProxyType({}),
        factories: Mapping[bytes, Callable[[Any], Any]] = MappingProxyType({}),
    ) -> SecurityPolicy:
        """
        The closed form of what C{options} allows now. The process-wide ones
        are one policy among others, too::

            SecurityPolicy.fromOptions(
                jelly.globalSecurity, jelly.unjellyableRegistry, jelly.unjellyableFactoryRegistry
            )

        @param unjellyables: the registered classes to include, by tag.
        @param factories: the registered factories to include, by tag.
        """
        return cls(
            types=frozenset(options.allowedTypes) | frozenset(BROKER_TYPES),
            unjellyables=unjellyables,
            factories=factories,
            modules=frozenset(options.allowedModules),
            classes=frozenset(options.allowedClasses),
            errors=options.errors,
            describing=options.describing,
        )

    def allowTypes(self, *tags: str | bytes) -> SecurityPolicy:
        """A copy that accepts these forms too."""
        return replace(self, types=self.types.union(map(asTag, tags)))

    def allowUnjellyable(self, tag: str | bytes | type, unjellyable: Any) -> SecurityPolicy:
        """
        A copy in which C{tag} becomes an instance of C{unjellyable}.

        @param tag: what the sender calls the class; a class stands for its
            qualified name.
        @param unjellyable: a class with C{unjellyFor}, such as a C{RemoteCopy},
            or one that C{pb.value} has declared.
        """
        declaration = declarationOf(unjellyable)
        if declaration is not None and declaration.factory is not None:
            # An instance can't be there before its state is.
            others = {name: known for name, known in self.unjellyables.items() if name != asTag(tag)}
            return replace(self, unjellyables=others).allowFactory(tag, declaration.factory)
        return replace(self, unjellyables={**self.unjellyables, asTag(tag): unjellyable})

    def allowValue(self, *classes: type) -> SecurityPolicy:
        """
        A copy in which instances of these classes are received, under the tags
        that C{pb.value} has declared for them.

        @raise TypeError: when it has declared nothing of one of them.
        """
        policy = self
        for klass in classes:
            declaration = declarationOf(klass)
            if declaration is None:
                raise TypeError(f"{klass!r} is not declared; put the decorator pb.value on it")
            policy = policy.allowUnjellyable(declaration.tag, klass)
        return policy

    def allowFactory(self, tag: str | bytes | type, factory: Callable[[Any], Any]) -> SecurityPolicy:
        """A copy in which C{tag} becomes whatever C{factory(state)} returns."""
        return replace(self, factories={**self.factories, asTag(tag): factory})

    def allowUnknown(self, unjellyable: Any) -> SecurityPolicy:
        """
        A copy in which each application tag that it doesn't name becomes an
        instance of C{unjellyable}, whose C{unjellyFor} is given
        C{[tag, state]}, or C{[tag, id, state]} where it is a cache. Nothing is
        imported because of it.
        """
        return replace(self, unknown=unjellyable)

    def allowDescribing(self) -> SecurityPolicy:
        """A copy under which peers may ask what can be called on our objects."""
        return replace(self, describing=True)

    def allowInstancesOf(self, *classes: type) -> SecurityPolicy:
        """A copy in which instances of these classes travel by their names."""
        return replace(
            self.allowModules(*(klass.__module__ for klass in classes)),
            classes=self.classes.union(classes),
        )

    def allowModules(self, *modules: str | bytes) -> SecurityPolicy:
        """
        A copy in which these modules may be imported. To receive the module
        objects themselves, allow the type C{module} as well.
        """
        return replace(self, modules=self.modules.union(map(asTag, modules)))

    def allowFunctions(self, *names: str | bytes) -> SecurityPolicy:
        """A copy in which these functions, by qualified name, are received."""
        return replace(
            self.allowTypes("function"),
            functions=self.functions.union(map(asTag, names)),
        )

    def isTypeAllowed(self, typeName: str | bytes) -> bool:
        """Whether a form with this tag is accepted."""
        tag = asTag(typeName)
        return (
            tag in self.types
            or tag in self.unjellyables
            or tag in self.factories
            or any(asTag(klass) == tag for klass in self.classes)
            or self.isUnknown(tag)
        )

    def isUnknown(self, tag: bytes) -> bool:
        """Whether C{unknown} stands for this tag, unless the policy names it."""
        return self.unknown is not None and tag not in JELLY_TYPES

    def isModuleAllowed(self, moduleName: str | bytes) -> bool:
        """Whether this module may be imported."""
        return asTag(moduleName) in self.modules

    def isClassAllowed(self, klass: type) -> bool:
        """Whether instances of this class travel by its name."""
        return klass in self.classes

    def isFunctionAllowed(self, name: str | bytes) -> bool:
        """Whether the function with this qualified name is received."""
        return asTag(name) in self.functions


LOGIN_POLICY = SecurityPolicy(
    types=frozenset(PLAIN_TYPES) - {b"persistent"} | {b"remote", b"twisted.spread.pb.CopyableFailure"},
)
"""
What is accepted from a peer that hasn't logged in, where the root is a portal:
names, secrets, proofs and responses, which are plain, and a mind, which is a
reference or plain; and failures, as
a checker or realm may call the mind before it decides. No object of the
application's is made of it.
"""
