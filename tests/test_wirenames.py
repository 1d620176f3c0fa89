"""
Tests for L{myspread._wirenames} and L{myspread._errors}: what travels as a name.
"""

from __future__ import annotations

from twisted.python.reflect import namedAny, qual
from twisted.spread import banana, flavors, jelly, pb
from twisted.trial.unittest import SynchronousTestCase

from myspread import _errors
from myspread._wirenames import _WIRE_NAMES, localName, wireName


class WireNamesTests(SynchronousTestCase):
    """
    The table of names.
    """

    def test_ours(self) -> None:
        """
        Every class of ours in the table is there, and travels under the name
        of one that C{twisted.spread} has.
        """
        for local, wire in _WIRE_NAMES.items():
            klass = namedAny(local)
            self.assertEqual(qual(klass), local)
            self.assertEqual(wireName(klass), wire.encode())
            self.assertEqual(namedAny(wire).__name__, klass.__name__)

    def test_back(self) -> None:
        """
        A name that arrives stands for our own class.
        """
        for local, wire in _WIRE_NAMES.items():
            self.assertEqual(localName(wire), local)

    def test_unique(self) -> None:
        """
        No two classes share a name.
        """
        self.assertEqual(len(set(_WIRE_NAMES.values())), len(_WIRE_NAMES))

    def test_others(self) -> None:
        """
        All other classes travel under their own names.
        """

        class Inner:
            """A class inside a function."""

        self.assertEqual(wireName(dict), b"builtins.dict")
        self.assertEqual(wireName(Inner), qual(Inner).encode())
        self.assertEqual(localName("pond.Pond"), "pond.Pond")


class ErrorsTests(SynchronousTestCase):
    """
    The exceptions.
    """

    def test_shared(self) -> None:
        """
        Those that C{twisted.spread} has are its own classes, so that C{except}
        and C{trap} work across both packages.
        """
        for name, module in (
            ("BananaError", banana),
            ("NoSuchMethod", flavors),
            ("InsecureJelly", jelly),
            ("DeadReferenceError", pb),
            ("Error", pb),
            ("PBConnectionLost", pb),
            ("ProtocolError", pb),
            ("RemoteError", pb),
        ):
            self.assertIs(getattr(_errors, name), getattr(module, name))

    def test_kinds(self) -> None:
        """
        Ours are kinds of what C{twisted.spread} raises in their place.
        """
        for kind, *bases in (
            (_errors.UnknownTypeByte, banana.BananaError, NotImplementedError),
            (_errors.UnknownVocabulary, banana.BananaError, KeyError),
            (_errors.VocabularyNotNegotiated, banana.BananaError, NotImplementedError),
            (_errors.LimitExceeded, banana.BananaError),
            (_errors.MalformedJelly, jelly.InsecureJelly),
            (_errors.MethodChanged, jelly.InsecureJelly, TypeError),
            (_errors.ForeignReference, pb.ProtocolError, AssertionError),
        ):
            for base in bases:
                self.assertTrue(issubclass(kind, base))

    def test_text(self) -> None:
        """
        An unknown vocabulary id is described in words, without quotes.
        """
        self.assertEqual(str(_errors.UnknownVocabulary("no word 99")), "no word 99")

    def test_names(self) -> None:
        """
        All that the module offers is an exception.
        """
        for name in _errors.__all__:
            self.assertTrue(issubclass(getattr(_errors, name), Exception))
