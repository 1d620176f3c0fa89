"""
Files of tokens, and who gets in with them.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from myspread._login.accountlines import AccountFileError, fieldsOf, joined
from myspread._login.tokens import PREFIX, Token, digestOf, newToken, readToken
from myspread.accounts import TokenFile
from myspread.interfaces import ITokenCredentials
from tests.login.accounts import AccountsCase

NOW = 1_800_000_000
TOKEN = newToken().encode()
RECORD = Token(digestOf(TOKEN), "build1", NOW, NOW + 60, None, "the first: of many")


@implementer(ITokenCredentials)
class Credentials:
    """A token that a client has sent."""

    def __init__(self, token: Any) -> None:
        self.token = token


class RecordTests(SynchronousTestCase):
    """
    The lines of a file of tokens.
    """

    def test_token(self) -> None:
        """A token has 32 random bytes, and a prefix that tells what it is."""
        tokens = {newToken() for _ in range(100)}
        self.assertEqual(len(tokens), 100)
        for token in tokens:
            self.assertRegex(token, r"\Apbtoken_[A-Za-z0-9_-]{43}\Z")
        self.assertEqual(PREFIX, "pbtoken_")

    def test_line(self) -> None:
        """A line has all that is known, and gives it back; the token isn't in it."""
        line = joined(RECORD.fields())
        digest = hashlib.sha256(TOKEN).hexdigest()
        times = "2027-01-15T08:00:00Z 2027-01-15T08:01:00Z"
        self.assertEqual(line, f"{digest} build1 {times} - the%20first:%20of%20many")
        self.assertEqual(readToken(fieldsOf(line)), RECORD)
        for record in (replace(RECORD, expires=None, label=""), replace(RECORD, revoked=NOW + 5)):
            self.assertEqual(readToken(fieldsOf(joined(record.fields()))), record)

    def test_states(self) -> None:
        """A token is valid until its time comes, or somebody revokes it."""
        self.assertEqual(
            [RECORD.state(NOW + delay) for delay in (0, 59.9, 60, 90)], ["valid"] * 2 + ["expired"] * 2
        )
        self.assertEqual(replace(RECORD, expires=None).state(NOW * 2), "valid")
        self.assertEqual(replace(RECORD, revoked=NOW).state(NOW), "revoked")

    def test_wrong(self) -> None:
        """What a line can't be, and what is said."""
        digest = RECORD.digest
        time = "2027-01-15T08:00:00Z"
        for fields, text in (
            (["x"], "not 1 fields"),
            ([digest.upper(), "a", time, "", "", ""], "64 hexadecimal digits"),
            ([digest[1:], "a", time, "", "", ""], "64 hexadecimal digits"),
            ([digest, "", time, "", "", ""], "the avatar id is empty"),
            (
                [digest, "a", "today", "", "", ""],
                "a time of creation is like 2026-01-31T23:59:59Z, not 'today'",
            ),
            ([digest, "a", time, "2027-02-30T08:00:00Z", "", ""], "an expiry is like"),
            ([digest, "a", time, "", "no", ""], "a time of revocation is like"),
        ):
            self.assertRegex(str(self.assertRaises(ValueError, readToken, fields)), text)


class CheckerTests(AccountsCase):
    """
    Who gets in.
    """

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.clock.advance(NOW)

    def checker(self, *records: Token) -> TokenFile:
        """A checker for some tokens."""
        return TokenFile(self.write(*(joined(each.fields()) for each in records)), clock=self.clock)

    def check(self, checker: TokenFile, token: Any = TOKEN) -> Any:
        """Try to log in."""
        return checker.requestAvatarId(Credentials(token))

    def test_right(self) -> None:
        """The token says who it is."""
        checker = self.checker(replace(RECORD, digest="0" * 64, avatar="other"), RECORD)
        verifyObject(ICredentialsChecker, checker)
        self.assertEqual(checker.credentialInterfaces, (ITokenCredentials,))
        self.assertEqual(self.successResultOf(self.check(checker)), b"build1")

    def test_wrong(self) -> None:
        """Other tokens, and what is none."""
        checker = self.checker(RECORD)
        for token in (
            newToken().encode(),
            TOKEN[:-1],
            b"",
            b"x" * 100_000,
            RECORD.digest.encode(),
            None,
            5,
            "x",
        ):
            self.assertRefused(self.check(checker, token))

    def test_expired(self) -> None:
        """From its time on it is useless; who has it is told."""
        checker = self.checker(RECORD)
        self.clock.advance(59)
        self.assertEqual(self.successResultOf(self.check(checker)), b"build1")
        self.clock.advance(1)
        self.assertRefused(self.check(checker), "this token is expired")

    def test_revoked(self) -> None:
        """Once it is revoked it is useless, at once; the log says which one was used, and not the token."""
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        checker = self.checker(RECORD)
        self.assertEqual(self.successResultOf(self.check(checker)), b"build1")
        self.write(joined(replace(RECORD, revoked=NOW).fields()))
        self.assertRefused(self.check(checker), "this token is revoked")
        [event] = [each for each in events if each.get("token")]
        self.assertEqual((event["token"], event["avatar"], event["state"]), (RECORD.id, "build1", "revoked"))
        self.assertNotIn(TOKEN.decode(), repr(events))
        self.write()
        self.assertRefused(self.check(checker))

    def test_log(self) -> None:
        """
        A useless token that is used again and again gets one entry in an hour, with how often it was; one
        more when it is useless for another reason, and one when it is valid again.
        """
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)

        def logged() -> list[str]:
            told = [formatEvent(event) for event in events if event.get("token")]
            events.clear()
            return told

        checker = self.checker(replace(RECORD, expires=NOW))
        text = f"Token {RECORD.id} of build1 (the first: of many) is expired, and was used."
        for _ in range(1000):
            self.assertRefused(self.check(checker), "this token is expired")
        self.assertEqual(logged(), [text])
        self.clock.advance(3600)
        for _ in range(3):
            self.assertRefused(self.check(checker), "this token is expired")
        self.assertEqual(logged(), [f"{text} So it was 999 times more since this was told."])
        self.write(joined(replace(RECORD, revoked=NOW).fields()))
        for _ in range(3):
            self.assertRefused(self.check(checker), "this token is revoked")
        self.assertEqual(len(logged()), 1)
        self.write(joined(replace(RECORD, expires=None).fields()))
        for _ in range(3):
            self.assertEqual(self.successResultOf(self.check(checker)), b"build1")
        self.assertEqual(logged(), [f"Token {RECORD.id} of build1 (the first: of many) is valid again."])

    def test_systemClock(self) -> None:
        """Without a clock, time is that of the system."""
        checker = TokenFile(self.write(joined(replace(RECORD, expires=1).fields())))
        self.assertRefused(self.check(checker), "this token is expired")
        self.write(joined(replace(RECORD, expires=2**33).fields()))
        self.assertEqual(self.successResultOf(self.check(checker)), b"build1")

    def test_unusable(self) -> None:
        """It isn't made of a file that is wrong."""
        self.write("x")
        self.assertRaises(AccountFileError, TokenFile, self.path)
