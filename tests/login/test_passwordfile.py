"""
Password files, and who gets in with them.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from myspread._login import argon2, passwords
from myspread._login.accountlines import AccountFileError, fieldsOf, joined
from myspread._login.argon2 import Argon2Cost
from myspread._login.credentials import PlainCredentials
from myspread._login.passwords import Secret, User, preparedName, readPassword
from myspread._login.scram import ScramVerifier
from myspread.accounts import PasswordFile
from myspread.interfaces import IScramCredentials, IScramVerifiers
from tests.login.accounts import CHEAP, FEW, AccountsCase, userLine

ANN = userLine("ann", "secret")
OTHER = Argon2Cost(16, 2, 1)


@implementer(IScramCredentials)
class Proof:
    """Credentials of a login with SCRAM, of somebody who knows a password."""

    def __init__(self, username: bytes, password: str) -> None:
        self.username = username
        self.password = password

    def check(self, verifier: ScramVerifier) -> bool:
        """Whether it is the password of the verifier."""
        return verifier.isKnownPassword(self.password)


class RecordTests(SynchronousTestCase):
    """
    The lines of a password file.
    """

    def test_line(self) -> None:
        """A line has all that is needed, and gives it back; the password isn't in it."""
        user = User.withPassword("Jürgen:\N{SNOWMAN}x", "geheim", CHEAP, FEW)
        line = joined(user.fields())
        self.assertNotIn("geheim", line)
        self.assertEqual(readPassword(fieldsOf(line)), user)
        name, phc, verifier = line.split()
        self.assertEqual(name, "Jürgen:\N{SNOWMAN}x")
        self.assertRegex(phc, r"\A\$argon2id\$v=19\$m=8,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}\Z")
        self.assertRegex(verifier, r"\ASCRAM-SHA-256\$4096:[\w+/=]{24}\$[\w+/=]{44}:[\w+/=]{44}\Z")

    def test_half(self) -> None:
        """One of both can be left out."""
        for arguments in ((CHEAP, None), (None, FEW)):
            user = User.withPassword("ann", "secret", *arguments)
            self.assertEqual(readPassword(fieldsOf(joined(user.fields()))), user)
        self.assertEqual(user.argon2, "")

    def test_secret(self) -> None:
        """The line without a name."""
        secret = Secret.new()
        self.assertEqual(readPassword(fieldsOf(joined(secret.fields()))), secret)
        self.assertNotEqual(Secret.new(), secret)

    def test_defaults(self) -> None:
        """What RFC 9106 recommends for little memory, and iterations that are many."""
        cost = argon2.costOf(argon2.impossible(argon2.RECOMMENDED))
        self.assertEqual(cost.text(), "m=65536,t=3,p=4")
        self.assertEqual(User.withPassword.__func__.__defaults__, (cost, 600_000))  # type: ignore[attr-defined]

    def test_names(self) -> None:
        """Names that look the same are the same; what can't be in a name is refused."""
        self.assertEqual(preparedName("\N{ROMAN NUMERAL NINE}"), "IX")
        self.assertEqual(preparedName("u\N{COMBINING DIAERESIS}".encode()), "\xfc")
        self.assertEqual(preparedName("soft\N{SOFT HYPHEN}"), "soft")
        for name, text in (
            ("a\nb", "character 2 of the user name is a control character, which SASLprep prohibits"),
            ("", "the user name is empty"),
            (b"\xff", "the user name isn't UTF-8"),
            ("x" * 4097, "the user name has 4097 characters or bytes, and may have 4096"),
        ):
            self.assertEqual(str(self.assertRaises(ValueError, preparedName, name)), text)

    def test_passwords(self) -> None:
        """A password can be anything that SASLprep allows, and its form doesn't matter."""
        user = User.withPassword("ann", "pass\N{NO-BREAK SPACE}w\N{ROMAN NUMERAL ONE}", CHEAP, FEW)
        self.assertTrue(passwords.isRight(b"pass wI", user.argon2))
        self.assertTrue(passwords.isRight("pass wI", user.argon2))
        assert user.scram is not None
        self.assertTrue(user.scram.isKnownPassword("pass wI"))
        for wrong in (b"pass wi", b"", b"\xff", "a\nb", "x" * 5000, b"pass wI\0"):
            self.assertFalse(passwords.isRight(wrong, user.argon2))
        for refused in ("", "a\nb", "x" * 4097, "\udcff"):
            self.assertRaises(ValueError, User.withPassword, "ann", refused, CHEAP, FEW)

    def test_wrong(self) -> None:
        """What a line can't be, and what is said."""
        phc, verifier = fieldsOf(ANN)[1:]
        short = phc[: phc.rindex("$") + 5]
        for fields, text in (
            (["ann"], "has a user name, a hash of Argon2 and a verifier of SCRAM, not 1 fields"),
            (["ann", "secret", verifier], r"a hash is like \$argon2id"),
            (["ann", phc, "secret"], r"a verifier is like SCRAM-SHA-256\$"),
            (
                ["ann", phc.replace("m=8", "m=99999999"), verifier],
                r"m \(KiB of memory\) of Argon2 is 99999999",
            ),
            (["ann", phc.replace("t=1", "t=0"), verifier], r"t \(passes\) of Argon2 is 0"),
            (["ann", phc.replace("p=1", "p=65"), verifier], r"p \(lanes\) of Argon2 is 65"),
            (["ann", short, verifier], "the hash of Argon2 is Base64 of 8 to 64 bytes"),
            (["ann", f"{phc}AA", verifier], "the hash of Argon2 is Base64"),
            (["ann", phc.replace("argon2id", "argon2i"), verifier], r"a hash is like \$argon2id"),
            (["\N{ROMAN NUMERAL ONE}", phc, verifier], "isn't in the form of SASLprep, which is 'I'"),
            (["", "AAAA"], "32 random bytes"),
            (["", "", ""], "the user name is empty"),
        ):
            error = self.assertRaises(ValueError, readPassword, fields)
            self.assertRegex(str(error), text)
            self.assertNotIn(verifier, str(error))


class Argon2Tests(SynchronousTestCase):
    """
    Hashes.
    """

    def test_other(self) -> None:
        """A hash of another implementation: the first vector of the reference implementation's tests."""
        phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
        self.assertTrue(argon2.fits(b"password", phc))
        self.assertFalse(argon2.fits(b"Password", phc))
        self.assertEqual(argon2.costOf(phc), Argon2Cost(65536, 2, 1))

    def test_impossible(self) -> None:
        """No password fits what unknown users are compared with; it is well formed, so it costs as much."""
        phc = argon2.impossible(OTHER)
        self.assertEqual(argon2.costOf(phc), OTHER)
        self.assertFalse(argon2.fits(b"", phc))

    def test_atOnce(self) -> None:
        """Hashes with several lanes that are made in several threads don't get in each other's way."""
        phc = argon2.hashed(b"secret", Argon2Cost(2048, 2, 4))
        outcomes: list[bool] = []

        def check() -> None:
            for _ in range(20):
                outcomes.append(argon2.fits(b"secret", phc))

        # As daemons they don't keep this process, should they never end.
        threads = [threading.Thread(target=check, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(outcomes, [True] * 80)

    def test_tooOld(self) -> None:
        """Without what hashes there are no password files, and the error says what to do."""
        for old in (None, object()):
            self.patch(argon2, "_Argon2id", old)
            for use in (argon2.requireArgon2, lambda: argon2.hashed(b"x"), lambda: PasswordFile("nowhere")):
                text = str(self.assertRaises(AccountFileError, use))
                self.assertSubstring("password files need cryptography 45 or later, and this is ", text)
                self.assertSubstring(": pip install 'myspread[passwords]'", text)

    def test_oldOpenSSL(self) -> None:
        """The same goes for one that was built with an old OpenSSL."""

        class Unsupported:
            @staticmethod
            def verify_phc_encoded(password: bytes, phc: str) -> None:
                raise UnsupportedAlgorithm("argon2")

        self.patch(argon2, "_Argon2id", Unsupported)
        error = self.assertRaises(AccountFileError, argon2.requireArgon2)
        self.assertSubstring("built with OpenSSL 3.2 or later", str(error))

    def test_cost(self) -> None:
        """How a cost is written."""
        self.assertEqual(Argon2Cost.fromText(OTHER.text()), OTHER)
        for text in ("", "m=8", "m=8,t=1,p=1,x", "m=7,t=1,p=1", "m=8,t=1,p=2", "m=-8,t=1,p=1"):
            self.assertRaises(ValueError, Argon2Cost.fromText, text)


class CheckerTests(AccountsCase):
    """
    Who gets in.
    """

    def setUp(self) -> None:
        super().setUp()
        self.hashes: list[str] = []
        self.patch(passwords, "fits", self.fits)

    def fits(self, password: bytes, phc: str) -> bool:
        """Take note of what is compared."""
        self.hashes.append(phc)
        return argon2.fits(password, phc)

    def checker(self, *lines: str) -> PasswordFile:
        """A checker for some lines."""
        return PasswordFile(self.write(*lines), runInThread=maybeDeferred)

    def check(self, checker: PasswordFile, name: Any, password: Any, kind: Any = UsernamePassword) -> Any:
        """Try to log in."""
        return checker.requestAvatarId(kind(name, password))

    def test_interfaces(self) -> None:
        """It is a checker, has verifiers, and knows nothing of MD5."""
        checker = self.checker(ANN)
        verifyObject(ICredentialsChecker, checker)
        verifyObject(IScramVerifiers, checker)
        self.assertEqual(
            [each.__name__ for each in checker.credentialInterfaces],
            ["IUsernamePassword", "IScramCredentials"],
        )
        self.assertEqual(checker.path, str(Path(self.path).absolute()))

    def test_right(self) -> None:
        """The right password, sent or proved, in whatever form the name is."""
        checker = self.checker(ANN, userLine("J\xfcrgen", "geheim"))
        for kind in (UsernamePassword, Proof):
            password: Any = b"secret" if kind is UsernamePassword else "secret"
            self.assertEqual(self.successResultOf(self.check(checker, b"ann", password, kind)), b"ann")
        decomposed = "Ju\N{COMBINING DIAERESIS}rgen".encode()
        found = self.successResultOf(self.check(checker, decomposed, b"geheim"))
        self.assertEqual(found, "J\xfcrgen".encode())
        self.assertIsNotNone(checker.verifierFor(decomposed))

    def test_wrong(self) -> None:
        """A wrong password, an unknown user, names and passwords that nobody has: all look the same."""
        checker = self.checker(ANN)
        for name, password in (
            (b"ann", b"wrong"),
            (b"bob", b"secret"),
            (b"", b""),
            (b"ann", b""),
            (b"ann\n", b"secret"),
            (b"\xff", b"\xff"),
            (b"x" * 100_000, b"x" * 100_000),
            ("ann", "wrong"),
        ):
            self.assertRefused(self.check(checker, name, password))
            if isinstance(name, bytes):
                self.assertRefused(self.check(checker, name, password.decode("latin-1"), Proof))
        self.assertEqual(len(self.hashes), 8)

    def test_unknownCosts(self) -> None:
        """An unknown user, and one who has no hash, take as long as most users take."""
        costly = [joined(User.withPassword(name, "x", OTHER, FEW).fields()) for name in ("bob", "cy")]
        checker = self.checker(ANN, *costly, joined(User.withPassword("dan", "x", None, FEW).fields()))
        for name in (b"eve", b"dan", b"\n"):
            self.assertRefused(self.check(checker, name, b"x"))
        self.assertEqual([argon2.costOf(each) for each in self.hashes], [OTHER] * 3)

    def test_half(self) -> None:
        """Who has no hash can't send the password, who has no verifier can't prove to know it."""
        checker = self.checker(
            joined(User.withPassword("ann", "secret", None, FEW).fields()),
            joined(User.withPassword("bob", "secret", CHEAP, None).fields()),
        )
        self.assertRefused(self.check(checker, b"ann", b"secret"))
        self.assertRefused(self.check(checker, b"bob", "secret", Proof))
        self.assertEqual(self.successResultOf(self.check(checker, b"ann", "secret", Proof)), b"ann")
        self.assertEqual(self.successResultOf(self.check(checker, b"bob", b"secret")), b"bob")
        self.assertIsNone(checker.verifierFor(b"bob"))

    def test_unknownVerifiers(self) -> None:
        """What the salts of unknown users are made of stays the same as long as the file has it."""
        secret = Secret.new()
        first, second = (self.checker(joined(secret.fields()), ANN) for _ in range(2))
        self.assertEqual((first.secret, first.iterations), (secret.value, FEW))
        self.assertEqual(second.secret, secret.value)
        self.assertIsNone(first.verifierFor(b"eve"))
        self.assertIsNone(first.verifierFor(b"\xff"))
        without = self.checker(ANN)
        before = without.secret
        self.write(userLine("bob", "x"))
        self.assertEqual(without.secret, before)

    def test_changes(self) -> None:
        """Users come, change their passwords and go while the server runs."""
        checker = self.checker(ANN)
        self.write(userLine("ann", "new"), userLine("bob", "other"))
        self.assertRefused(self.check(checker, b"ann", b"secret"))
        self.assertEqual(self.successResultOf(self.check(checker, b"ann", b"new")), b"ann")
        self.assertEqual(self.successResultOf(self.check(checker, b"bob", "other", Proof)), b"bob")
        self.write(ANN)
        self.assertRefused(self.check(checker, b"bob", "other", Proof))

    def test_unusable(self) -> None:
        """It isn't made of a file that is wrong."""
        error = self.assertRaises(AccountFileError, self.checker, ANN, "bob:secret")
        self.assertSubstring("accounts: line 2: a line has a user name", str(error))

    def test_tooMany(self) -> None:
        """So many are hashed at once, so many wait, and the next is refused unchecked."""
        running: list[Deferred[bool]] = []

        def runInThread(function: Any, *arguments: Any) -> Deferred[bool]:
            running.append(Deferred())
            return running[-1]

        checker = PasswordFile(self.write(ANN), threads=2, waiting=3, runInThread=runInThread)
        first, *others = (self.check(checker, b"ann", b"secret") for _ in range(5))
        self.assertEqual(len(running), 2)
        self.assertRefused(
            self.check(checker, b"ann", b"secret"), "too many logins wait to be checked; try again later"
        )
        running[0].callback(True)
        self.assertEqual(self.successResultOf(first), b"ann")
        self.assertEqual(len(running), 3)
        again = self.check(checker, b"ann", b"secret")
        self.assertNoResult(again)
        for number in range(1, 6):
            running[number].callback(False)
        self.assertEqual(len(running), 6)
        for each in (*others, again):
            self.assertRefused(each)

    def test_leaving(self) -> None:
        """Those who have left while they waited are not hashed for, however many, and keep nobody out."""
        running: list[Deferred[bool]] = []

        def runInThread(function: Any, *arguments: Any) -> Deferred[bool]:
            running.append(Deferred())
            return running[-1]

        checker = PasswordFile(self.write(ANN), threads=1, waiting=3000, runInThread=runInThread)
        first = self.check(checker, b"ann", b"secret")
        isThere = [True]
        leaving = PlainCredentials(b"ann", b"secret", lambda: isThere[0])
        left = [checker.requestAvatarId(leaving) for _ in range(3000)]
        self.assertRefused(
            self.check(checker, b"ann", b"secret"), "too many logins wait to be checked; try again later"
        )
        isThere[0] = False
        honest = self.check(checker, b"ann", b"secret")
        for each in left[:3]:
            self.assertRefused(each, "the client has left before its password was looked at")
        again = [checker.requestAvatarId(PlainCredentials(b"ann", b"", lambda: False)) for _ in range(2000)]
        running[0].callback(True)
        self.assertEqual(self.successResultOf(first), b"ann")
        running[1].callback(True)
        self.assertEqual(self.successResultOf(honest), b"ann")
        for each in (*left[3:], *again):
            self.assertRefused(each, "the client has left before its password was looked at")
        self.assertEqual(len(running), 2)

    def test_inTurn(self) -> None:
        """However many logins wait of one address, the first of another one is the next that is looked at."""
        running: list[tuple[Any, Deferred[bool]]] = []

        def runInThread(function: Any, password: bytes, phc: str) -> Deferred[bool]:
            running.append((password, Deferred()))
            return running[-1][1]

        def check(source: str, *passwords: bytes) -> list[Any]:
            given = (PlainCredentials(b"ann", each, lambda: True, source) for each in passwords)
            return [checker.requestAvatarId(each) for each in given]

        checker = PasswordFile(self.write(ANN), threads=1, waiting=100, runInThread=runInThread)
        many = check("192.0.2.1", *(b"many %d" % number for number in range(50)))
        few = check("192.0.2.2", b"few 1", b"few 2")
        one = check("192.0.2.3", b"one")
        for number in range(len(many) + len(few) + len(one)):
            running[number][1].callback(True)
        self.assertEqual(
            [password for password, _ in running[:8]],
            [b"many 0", b"many 1", b"few 1", b"one", b"many 2", b"few 2", b"many 3", b"many 4"],
        )
        self.assertEqual([password for password, _ in running[8:]], [b"many %d" % n for n in range(5, 50)])
        for each in (*many, *few, *one):
            self.assertEqual(self.successResultOf(each), b"ann")

    def test_fullOfOne(self) -> None:
        """One address that lets as many wait as may keeps nobody else out: its last ones give way."""
        running: list[Deferred[bool]] = []

        def runInThread(function: Any, *arguments: Any) -> Deferred[bool]:
            running.append(Deferred())
            return running[-1]

        def check(source: str) -> Any:
            return checker.requestAvatarId(PlainCredentials(b"ann", b"secret", lambda: True, source))

        checker = PasswordFile(self.write(ANN), threads=1, waiting=4, runInThread=runInThread)
        refusal = "too many logins wait to be checked; try again later"
        many = [check("192.0.2.1") for _ in range(5)]
        self.assertRefused(check("192.0.2.1"), refusal)
        others = [check("192.0.2.2"), check("192.0.2.2")]
        self.assertRefused(many[4], refusal)
        self.assertRefused(many[3], refusal)
        # Now both have as many.
        for source in ("192.0.2.1", "192.0.2.2"):
            self.assertRefused(check(source), refusal)
        third = check("192.0.2.3")
        self.assertRefused(check("192.0.2.3"), refusal)
        refused = [each for each in (*many[:3], *others) if each.called]
        self.assertEqual(len(refused), 1)
        self.assertRefused(refused[0], refusal)
        for number in range(5):
            running[number].callback(True)
        self.assertEqual(len(running), 5)
        for each in (*many[:3], *others, third):
            if each not in refused:
                self.assertEqual(self.successResultOf(each), b"ann")

    def test_tooManyTold(self) -> None:
        """The log tells once that logins are refused unchecked, and again when there is a next time."""
        running: list[Deferred[bool]] = []

        def runInThread(function: Any, *arguments: Any) -> Deferred[bool]:
            running.append(Deferred())
            return running[-1]

        checker = PasswordFile(self.write(ANN), threads=1, waiting=1, runInThread=runInThread)
        with capturedLogs() as events:
            for count in (1, 2):
                taken = [self.check(checker, b"ann", b"secret") for _ in range(2)]
                for _ in range(10):
                    self.failureResultOf(self.check(checker, b"ann", b"secret"), UnauthorizedLogin)
                told = [each for each in events if "refused unchecked" in each["log_format"]]
                self.assertEqual(len(told), count)
                over = [each for each in events if "checked again" in each["log_format"]]
                self.assertEqual(len(over), count - 1)
                for each in taken:
                    running.pop().callback(False)
                    self.failureResultOf(each, UnauthorizedLogin)

    def test_noneMayWait(self) -> None:
        """Where none may wait, the log isn't told of each login that is refused."""
        checker = PasswordFile(self.write(ANN), threads=1, waiting=0, runInThread=lambda *_: Deferred())
        with capturedLogs() as events:
            self.assertNoResult(self.check(checker, b"ann", b"secret"))
            for _ in range(10):
                self.failureResultOf(self.check(checker, b"ann", b"secret"), UnauthorizedLogin)
        self.assertEqual(len([each for each in events if "refused unchecked" in each["log_format"]]), 1)

    def test_broken(self) -> None:
        """What goes wrong while hashing isn't taken for a wrong password."""

        def runInThread(function: Any, *arguments: Any) -> Deferred[Any]:
            return maybeDeferred(lambda: 1 / 0)

        checker = PasswordFile(self.write(ANN), runInThread=runInThread)
        self.failureResultOf(self.check(checker, b"ann", b"secret"), ZeroDivisionError)


class ThreadTests(TestCase):
    """
    In the threads of the reactor.
    """

    async def test_threads(self) -> None:
        """Passwords are hashed in threads, a bounded number of them, while the reactor goes on."""
        path = Path(self.mktemp())
        path.write_text(f"{ANN}\n")
        path.chmod(0o600)
        checker = PasswordFile(str(path), threads=2)
        release, lock = threading.Event(), threading.Lock()
        self.addCleanup(release.set)
        inside: list[Any] = []
        most = [0]

        def fits(password: bytes, phc: str) -> bool:
            with lock:
                inside.append(threading.current_thread())
                most[0] = max(most[0], len(inside))
            # Would the reactor wait for this, nobody would release it.
            isReleased = release.wait(30)
            with lock:
                inside.pop()
            return isReleased and argon2.fits(password, phc)

        self.patch(passwords, "fits", fits)
        logins = [checker.requestAvatarId(UsernamePassword(b"ann", b"secret")) for _ in range(5)]
        self.assertNotIn(threading.main_thread(), inside)
        release.set()
        self.assertEqual(await gatherResults(logins), [b"ann"] * 5)
        self.assertLessEqual(most[0], 2)
        with self.assertRaises(UnauthorizedLogin):
            await checker.requestAvatarId(UsernamePassword(b"ann", b"wrong"))
