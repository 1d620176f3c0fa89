"""
Arguments as they are typed.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread._cli.usage import UsageError
from myspread._cli.words import stepsIn, valueOf

VALUES: list[tuple[str, Any]] = [
    ("1", 1),
    ("-1", -1),
    ("1.5e3", 1500.0),
    ("1_000", 1000),
    ("true", True),
    ("True", True),
    ("null", None),
    ("None", None),
    ('"text"', "text"),
    ("'text'", "text"),
    ("b'\\x00'", b"\0"),
    ("[1, null]", [1, None]),
    ("(1, None)", (1, None)),
    ('{"a": {"b": []}}', {"a": {"b": []}}),
    ("{1, 2}", {1, 2}),
    (" 7 ", 7),
    ("word", "word"),
    ("two words", "two words"),
    ("2026-01-02", "2026-01-02"),
    ("http://example.org/?a=b", "http://example.org/?a=b"),
    ("", ""),
    ("a.b", "a.b"),
    ("__import__('os').getpid()", "__import__('os').getpid()"),
]


class ValueTests(SynchronousTestCase):
    """
    L{valueOf}.
    """

    def test_values(self) -> None:
        """JSON, Python literals, and text. Nothing is ever executed."""
        for word, value in VALUES:
            read = valueOf(word)
            self.assertEqual((read, type(read)), (value, type(value)), word)

    def test_mistakes(self) -> None:
        """What begins like a literal and is none is no text that was meant."""
        for word in ("[1, 2", "{'a'", "'text", '"text', "b'x", "(1", "[1, x]", "[" * 5000):
            error = self.assertRaises(UsageError, valueOf, word)
            self.assertLess(len(str(error)), 200)


class StepTests(SynchronousTestCase):
    """
    L{stepsIn}.
    """

    def steps(self, *words: str) -> list[tuple[str, list[Any], dict[str, Any]]]:
        """The calls that words ask for."""
        return [(step.method, step.args, step.kw) for step in stepsIn(list(words))]

    def test_arguments(self) -> None:
        """By place and by name; quotes keep what looks like a name."""
        self.assertEqual(
            self.steps("add", "1", "b=[2]", "'c=3'", "d=x=y", "e="),
            [("add", [1, "c=3"], {"b": [2], "d": "x=y", "e": ""})],
        )

    def test_path(self) -> None:
        """The arguments of a path are those of its last method; a slash of its own keeps them apart."""
        self.assertEqual(self.steps("a/b", "1"), [("a", [], {}), ("b", [1], {})])
        self.assertEqual(
            self.steps("a", "1", "/", "b/c", "x=2"), [("a", [1], {}), ("b", [], {}), ("c", [], {"x": 2})]
        )

    def test_mistakes(self) -> None:
        """Each with what is wrong."""
        for words, text in (
            (["a", "/"], "a method is missing"),
            (["/", "a"], "a method is missing"),
            (["a//b"], "no path of methods"),
            (["a/"], "no path of methods"),
            (["a", "x=1", "x=2"], "x is given twice"),
            (["a", "x=[1"], "neither JSON nor Python"),
        ):
            error = self.assertRaises(UsageError, stepsIn, words)
            self.assertIn(text, str(error))
