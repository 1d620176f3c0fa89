"""
What can be called on an object, for those who may know.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread.flavors import ViewPoint as StockViewPoint

from myspread._errors import Error, MalformedJelly, NotDescribed
from myspread._flavors.referencing import Referenceable
from myspread._flavors.remote import RemoteReference, describePeer
from myspread._flavors.viewing import ViewPoint

__all__ = ["DESCRIBER", "Describer", "Description", "MethodDescription", "describe"]

DESCRIBER = b"myspread.describer"
"""
The name under which a server that describes its objects lends what does it. To
any other, twisted.spread's too, a call of this name is one of an object that it
doesn't have, of which its log says nothing.
"""

MOST_METHODS = 500
LONGEST_TEXT = 4000
LONGEST_SIGNATURE = 500

_INVALID = "Invalid Object ID"
"""What both engines say of an object that isn't lent."""

_RECEIVER = "MessageReceived"


@dataclass(frozen=True)
class MethodDescription:
    """
    A method that can be called.

    @ivar name: its name, for C{callRemote}.
    @ivar signature: its arguments, as Python writes them: C{(a, b=1)}.
    @ivar doc: its docstring; empty if there is none.
    """

    name: str
    signature: str
    doc: str


@dataclass(frozen=True)
class Description:
    """
    What can be called on an object of a peer.

    @ivar className: the qualified name of its class there.
    @ivar doc: the docstring of the class; empty if there is none.
    @ivar methods: its methods, by name in order.
    """

    className: str
    doc: str
    methods: tuple[MethodDescription, ...]


# The side that has the objects


class Describer(Referenceable):
    """
    Describes the objects of its process to a peer that has references to them.
    """

    def remote_describe(self, target: Any) -> dict[str, Any]:
        """
        What can be called on an object.

        @param target: what the peer has a reference to, and sends back.
        """
        facing, prefix, leading = _facing(target)
        names = sorted(_namesOf(facing, prefix))[:MOST_METHODS]
        return {
            "class": qual(type(facing)),
            "doc": _docOf(type(facing)),
            "methods": [_method(facing, prefix, name, leading) for name in names],
        }


def _facing(target: Any) -> tuple[Any, str, int]:
    """
    The object whose methods are called through C{target}, their prefix, and how
    many arguments they get that the caller doesn't give.
    """
    if isinstance(target, (ViewPoint, StockViewPoint)):
        return target.object, "view_", 1
    receive = getattr(target, "remoteMessageReceived", None)
    owner, name = getattr(receive, "__self__", target), getattr(receive, "__name__", "")
    if owner is target or not name.endswith(_RECEIVER):
        return target, "remote_", 0
    # That is how avatars are lent.
    return owner, f"{name[: -len(_RECEIVER)]}_", 0


def _namesOf(facing: Any, prefix: str) -> Iterator[str]:
    """The names of the methods, without prefix. No property is looked into."""
    found = {name for klass in type(facing).__mro__ for name in vars(klass)}
    for name in found.union(getattr(facing, "__dict__", ())):
        if isinstance(name, str) and name.startswith(prefix) and name != prefix:
            if callable(_unbound(facing, name)[0]):
                yield name[len(prefix) :]


def _unbound(facing: Any, name: str) -> tuple[Any, int]:
    """What stands under a name, and how many arguments binding it gives."""
    found = inspect.getattr_static(facing, name, None)
    if isinstance(found, staticmethod):
        return found.__func__, 0
    if isinstance(found, classmethod):
        return found.__func__, 1
    return found, int(inspect.isfunction(found) and name not in getattr(facing, "__dict__", ()))


def _method(facing: Any, prefix: str, name: str, leading: int) -> dict[str, str]:
    function, bound = _unbound(facing, prefix + name)
    return {"name": name, "signature": _signatureOf(function, bound + leading), "doc": _docOf(function)}


class _Written:
    """
    An annotation that is text, as in modules that postpone them.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _asWritten(annotation: Any) -> Any:
    return _Written(annotation) if isinstance(annotation, str) else annotation


def _signatureOf(function: Any, hidden: int) -> str:
    try:
        signature = inspect.signature(function)
        shown = [
            each.replace(annotation=_asWritten(each.annotation))
            for each in list(signature.parameters.values())[hidden:]
        ]
        result = _asWritten(signature.return_annotation)
        text = str(signature.replace(parameters=shown, return_annotation=result))
    # The repr of a default value can be anything.
    except Exception:
        return "(...)"
    return text if len(text) <= LONGEST_SIGNATURE else "(...)"


def _docOf(thing: Any) -> str:
    own = getattr(thing, "__doc__", None)
    text = inspect.cleandoc(own) if isinstance(own, str) else ""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


# The side that asks


def describe(reference: RemoteReference) -> Deferred[Description]:
    """
    What can be called on an object of a peer, where its policy says so::

        print(await pb.describe(await session.root))

    @param reference: to the object.
    @return: a Deferred of the L{Description}. It fails with L{NotDescribed} for
        a peer that describes nothing.
    """
    broker = reference.broker
    asked: Deferred[Any] = RemoteReference(None, broker, DESCRIBER, 0).callRemote("describe", reference)

    def failed(failure: Failure) -> Failure:
        if not failure.check(Error) or _INVALID not in failure.getErrorMessage():
            return failure
        raise NotDescribed(
            f"{describePeer(broker)} describes nothing: it runs twisted.spread, or its policy doesn't"
            " allow it; SecurityPolicy.allowDescribing() does"
        )

    return asked.addErrback(failed).addCallback(_read)


def _read(answer: Any) -> Description:
    """
    @raise MalformedJelly: when the peer has answered with something else.
    """
    try:
        methods = tuple(
            MethodDescription(_text(each["name"]), _text(each["signature"]), _text(each["doc"]))
            for each in answer["methods"]
        )
        return Description(_text(answer["class"]), _text(answer["doc"]), methods)
    except (TypeError, KeyError) as error:
        raise MalformedJelly("what the peer calls a description is none") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not a {type(value).__name__}")
    return value
