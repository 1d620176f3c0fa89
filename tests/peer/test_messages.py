"""
Tests for L{myspread._peer.messages}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import TestCase

from myspread._errors import ProtocolError
from myspread._peer.messages import COMMANDS, checkFields, commandOf
from tests.peer.wire import CALL

GOOD: dict[bytes, list[list[Any]]] = {
    b"version": [[6], [6.0]],
    b"message": [CALL[1:], [1, 5, b"m", 0, [], []]],
    b"cachemessage": [[1, 5, b"m", 1, [], []]],
    b"answer": [[1, 5], [1, b"x"], [1, 0.5], [1, [b"None"]]],
    b"error": [[1, [b"None"]], [1, b"text"]],
    b"decref": [[1], [b"root"]],
    b"decache": [[1]],
    b"uncache": [[1]],
    b"didNotUnderstand": [[b"hello"]],
}

WRONG: dict[bytes, list[tuple[int, Any, str]]] = {
    b"version": [(0, b"6", "version"), (0, [], "version")],
    b"message": [
        (0, b"1", "request id"),
        (0, 1.0, "request id"),
        (1, [], "object id"),
        (1, 1.0, "object id"),
        (2, 5, "method"),
        (2, [b"unicode", b"m"], "method"),
        (4, b"x", "arguments"),
        (5, 5, "keyword arguments"),
    ],
    b"cachemessage": [(0, [], "request id"), (5, 1.5, "keyword arguments")],
    b"answer": [(0, b"1", "request id")],
    b"error": [(0, 1.5, "request id")],
    b"decref": [(0, [], "object id"), (0, 1.5, "object id")],
    b"decache": [(0, b"root", "cache id"), (0, [1], "cache id")],
    b"uncache": [(0, 0.5, "cache id")],
    b"didNotUnderstand": [(0, 5, "command")],
}


class CommandOfTests(TestCase):
    """
    Tests for L{commandOf}.
    """

    def test_firstElement(self) -> None:
        """The command of a message is the byte string that it starts with."""
        self.assertEqual(commandOf([b"decref", 5]), b"decref")
        self.assertEqual(commandOf([b""]), b"")

    def test_noMessage(self) -> None:
        """Anything but a list that starts with a byte string is refused by a text that shows it."""
        for expression, shown in (
            ([], "<list>"),
            (b"decref", "b'decref'"),
            (5, "5"),
            (0.5, "0.5"),
            ([5], "<list>"),
            ([[b"decref"], 5], "<list>"),
        ):
            with self.subTest(expression):
                error = self.assertRaises(ProtocolError, commandOf, expression)
                self.assertIn(shown, str(error))


class CheckFieldsTests(TestCase):
    """
    Tests for L{checkFields}.
    """

    def test_everyCommandIsTested(self) -> None:
        """Each row of the table stands in the tables of this test too."""
        self.assertEqual(COMMANDS.keys(), GOOD.keys())
        self.assertEqual(COMMANDS.keys(), WRONG.keys())

    def test_good(self) -> None:
        """Fields of the right number and types pass."""
        for command, messages in GOOD.items():
            for fields in messages:
                checkFields(command, fields)

    def test_arity(self) -> None:
        """One field too few or too many is refused, and the text counts them."""
        for command, (fields, *_) in GOOD.items():
            for wrong in (fields[:-1], [*fields, 1]):
                with self.subTest(command):
                    error = self.assertRaises(ProtocolError, checkFields, command, wrong)
                    self.assertEqual(
                        str(error), f"{command.decode()} has {len(fields)} fields, not {len(wrong)}"
                    )

    def test_types(self) -> None:
        """A field of the wrong type is refused, and the text names it."""
        for command, changes in WRONG.items():
            for index, value, name in changes:
                with self.subTest((command, index)):
                    fields = list(GOOD[command][0])
                    fields[index] = value
                    error = self.assertRaises(ProtocolError, checkFields, command, fields)
                    self.assertIn(f"the {name} of {command.decode()} can't be ", str(error))
