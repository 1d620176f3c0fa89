"""
Classes whose instances travel by value: data classes, enumerations and
exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum, Flag
from typing import Any, Protocol, TypeVar

from twisted.spread.jelly import Jellyable as StockJellyable
from zope.interface import classImplements

from myspread._errors import MalformedJelly, NotJellyable
from myspread._flavors.copying import whenComplete, withTextKeys
from myspread._flavors.exceptions import ExceptionForm
from myspread._flavors.members import FlagForm, MemberForm
from myspread._flavors.records import RecordForm, isRecord
from myspread._jelly.bases import JellierLike, UnjellierLike
from myspread._jelly.registry import protocolForms, setUnjellyableForClass
from myspread.interfaces import IJellyable, IUnjellyable
from myspread.security import DECLARATION, declarationOf

__all__ = ["Declaration", "value"]

VERSION = "__version__"
"""The key of the version in a state. Version 1 isn't sent."""

Upgrade = Callable[[dict[str, Any], int], dict[str, Any]]
_Class = TypeVar("_Class", bound=type[Any])


class ValueForm(Protocol):
    """How instances of one kind of class become states, and back."""

    existsFirst: bool

    def stateOf(self, value: Any) -> dict[str, Any]:
        """The state to send."""

    def make(self, state: dict[Any, Any]) -> Any:
        """The instance of a state."""


class Declaration:
    """
    That a class travels, and how.

    @ivar klass: the class.
    @ivar tag: what it travels under, as bytes.
    @ivar unjellyable: what registries and policies hold for the tag: the class
        itself, if an instance can exist before its state does, or None.
    @ivar factory: else the function that makes an instance of its state.
    """

    def __init__(
        self, klass: type, tag: bytes, version: int, form: ValueForm, upgrade: Upgrade | None
    ) -> None:
        self.klass = klass
        self.tag = tag
        self.unjellyable = klass if form.existsFirst else None
        self.factory = None if form.existsFirst else self.make
        self._version = version
        self._form = form
        self._upgrade = upgrade

    def stateToSend(self, value: Any) -> dict[str, Any]:
        """The state of an instance, with the version if that isn't the first."""
        state = self._form.stateOf(value)
        if self._version > 1:
            state[VERSION] = self._version
        return state

    def make(self, state: Any) -> Any:
        """
        The instance of a state that has arrived.

        @raise MalformedJelly: when it can't be made of that.
        """
        return self._form.make(self._received(state))

    def fill(self, blank: Any, state: Any) -> None:
        """
        Give an instance that exists the state that has arrived for it.

        @raise MalformedJelly: when it can't take that.
        """
        form = self._form
        assert isinstance(form, RecordForm)
        form.fill(blank, self._received(state))

    def _received(self, state: Any) -> dict[Any, Any]:
        """A state as this version of the class knows it."""
        if state is not None and not isinstance(state, dict):
            raise MalformedJelly(
                f"the state of {self._shownTag()} is a {type(state).__name__}, not a dictionary"
            )
        fields = withTextKeys(state or {})
        version = fields.pop(VERSION, 1)
        if type(version) is not int or version < 1:
            raise MalformedJelly(f"the version of {self._shownTag()} is no number from 1 on")
        if self._upgrade is None or version >= self._version:
            return fields
        try:
            return self._upgrade(fields, version)
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise MalformedJelly(
                f"version {version} of {self._shownTag()} can't be upgraded to {self._version}: {error!r}"
            ) from error

    def _shownTag(self) -> str:
        return self.tag.decode("utf-8")


def _jellyFor(self: Any, jellier: JellierLike) -> Any:
    """C{[tag, state]}, as of a L{Copyable}."""
    declaration = declarationOf(type(self))
    if declaration is None:
        raise NotJellyable(
            f"{type(self).__qualname__} derives from a class that travels by value, but isn't declared"
            " itself; put the decorator pb.value on it"
        )
    sexp = jellier.prepare(self)
    sexp += [declaration.tag, jellier.jelly(declaration.stateToSend(self))]
    return jellier.preserve(self, sexp)


def _unjellyFor(self: Any, unjellier: UnjellierLike, jellyList: list[Any]) -> Any:
    """Take the state of C{[tag, state]}, once it is complete."""
    declaration = declarationOf(type(self))
    whenComplete(unjellier, jellyList[1], lambda state: declaration.fill(self, state))
    return self


def _formFor(klass: type, without: Iterable[str], extras: str | None, checked: bool) -> ValueForm:
    isOpen = tuple(without) or extras is not None
    if issubclass(klass, StockJellyable):
        raise TypeError(f"{klass.__qualname__} travels already: it is a {StockJellyable.__name__}")
    if issubclass(klass, Exception) and not isOpen:
        return ExceptionForm(klass)
    if issubclass(klass, Enum) and not isOpen:
        return FlagForm(klass) if issubclass(klass, Flag) else MemberForm(klass)
    if isRecord(klass) and not issubclass(klass, BaseException):
        return RecordForm(klass, without, extras, checked)
    if isOpen:
        raise TypeError(f"without and extras are for classes with fields, which {klass.__qualname__} is not")
    raise TypeError(
        f"{klass.__qualname__} is no dataclass, attrs class, NamedTuple, Enum or Exception;"
        " pb.value stands above the decorator that makes it one"
    )


def _tagOf(name: Any) -> bytes:
    if not isinstance(name, str):
        shown = name.__qualname__ if isinstance(name, type) else repr(name)
        raise TypeError(f'a class travels under a tag, as text: @pb.value("package.Name"), not {shown}')
    tag = name.encode("utf-8")
    prefix, _, last = name.rpartition(".")
    if not prefix or not last or tag in protocolForms.unjellyables:
        raise ValueError(f"a tag is a name of your own with a dot in it, such as 'shop.Order', not {name!r}")
    return tag


def value(
    tag: str,
    *,
    version: int = 1,
    upgrade: Upgrade | None = None,
    without: Iterable[str] = (),
    extras: str | None = None,
    checked: bool = True,
) -> Callable[[_Class], _Class]:
    """
    Declare that instances of a class travel by value: of a dataclass, an attrs
    class, a NamedTuple, an Enum or an exception::

        @pb.value("observatory.Reading", version=2)
        @dataclass(frozen=True)
        class Reading:
            star: str
            magnitude: float = 0.0

    They are sent as a C{Copyable} is, as tag and dictionary of fields. Where
    they arrive, they are made by calling the class with the fields, so what its
    constructor checks is true of them. Fields that are missing get their
    defaults, fields that the class doesn't have are ignored.

    It declares only. L{SecurityPolicy.allowValue} permits a peer to send them;
    the process-wide C{globalSecurity} permits all that are declared, as it does
    all that is registered with L{setUnjellyableForClass}. Of classes with the
    same tag, that one knows the last.

    Members of an enumeration travel by name, flags by their value, exceptions
    with arguments and attributes. An exception that a remote method raises
    comes to the caller as its class, if the caller's policy knows the tag, and
    as L{RemoteError} otherwise.

    @param tag: what both sides call the class: a name with a dot. It stays when
        the class moves to another module.
    @param version: of the fields, as a number. It travels, if it isn't 1.
    @param upgrade: called as C{upgrade(state, version)} with the dictionary of
        fields that an older version has sent; returns that of this version.
    @param without: the names of fields that stay here. They need defaults.
    @param extras: the name of a field, a dictionary, that takes what arrives
        beside the fields, and is sent again with them. So what a newer program
        has sent gets through an older one.
    @param checked: whether what arrives must be as fields are annotated. That
        is looked at for plain values, containers of them, unions, literals and
        declared classes.
    @return: what returns the class that it is given.
    @raise TypeError: when there is no tag, or the class is none that can be
        declared.
    @raise ValueError: when the tag or the version can't be one.
    """
    wireTag = _tagOf(tag)
    if version < 1:
        raise ValueError(f"versions are numbered from 1 on, not {version}")

    def declare(klass: _Class) -> _Class:
        form = _formFor(klass, without, extras, checked)
        _install(klass, Declaration(klass, wireTag, version, form, upgrade))
        return klass

    return declare


def _install(klass: Any, declaration: Declaration) -> None:
    given: list[tuple[Any, Any]] = [(_jellyFor, IJellyable)]
    if declaration.unjellyable is not None:
        given.append((_unjellyFor, IUnjellyable))
    setattr(klass, DECLARATION, declaration)
    for method, interface in given:
        setattr(klass, method.__name__.lstrip("_"), method)
        # The plugin for mypy wants to see the class.
        classImplements(klass, interface)  # type: ignore[misc]
    setUnjellyableForClass(declaration.tag, klass)
