"""
Tests for L{myspread._login.entering}: who a broker says has logged in, and how.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import Anonymous, IUsernameHashedPassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from myspread import pb
from myspread._login.entering import nameOf
from myspread.testing import BrokerPair, brokerPair
from tests.login.realms import ANN, WRONG, RecordingRealm, pairFor, portalFor


@implementer(ICredentialsChecker)
class Renaming:
    """Whoever logs in is somebody else."""

    credentialInterfaces = (IUsernameHashedPassword,)

    def requestAvatarId(self, credentials: Any) -> Any:
        """A name that isn't ASCII."""
        return "\xe4nn"


class OwnPortal(Portal):
    """A portal with a login of its own."""

    def login(self, credentials: Any, mind: Any, *interfaces: Any) -> Any:
        """As usual."""
        return super().login(credentials, mind, *interfaces)


class EntryTests(TestCase):
    """
    C{Broker.avatarId} and C{Broker.mechanism}.
    """

    def who(self, pair: BrokerPair, credentials: Any = ANN) -> Any:
        """What the server's broker says after a login."""
        pair.result(pair.clientFactory.login(credentials))
        return pair.server.avatarId, pair.server.mechanism

    def test_nobody(self) -> None:
        """Until somebody has logged in, nobody has; and a client has no such thing."""
        pair = pairFor(RecordingRealm())
        self.assertEqual((pair.server.avatarId, pair.server.mechanism), (None, None))
        self.assertRaises(UnauthorizedLogin, self.who, pair, WRONG)
        self.assertEqual((pair.server.avatarId, pair.server.mechanism), (None, None))
        self.assertEqual((pair.client.avatarId, pair.client.mechanism), (None, None))
        self.flushLoggedErrors()

    def test_md5(self) -> None:
        """Challenge and response."""
        self.assertEqual(self.who(pairFor(RecordingRealm())), ("ann", "md5"))

    def test_anonymous(self) -> None:
        """Without credentials."""
        self.assertEqual(self.who(pairFor(RecordingRealm()), Anonymous()), ("anonymous", "anonymous"))

    def test_checkerSaysWho(self) -> None:
        """It is the avatar id that counts, not the user name."""
        self.assertEqual(self.who(pairFor(RecordingRealm(), Renaming())), ("\xe4nn", "md5"))

    def test_ownPortal(self) -> None:
        """A portal that logs in in its own way is left alone; the user name is what is known."""
        realm = RecordingRealm()
        portal = OwnPortal(realm, portalFor(realm).checkers.values())
        self.assertEqual(self.who(brokerPair(portal)), ("ann", "md5"))
        self.assertEqual(len(realm.requests), 1)

    def test_inTime(self) -> None:
        """When the login ends, it is there."""
        pair = pairFor(RecordingRealm())
        seen: list[Any] = []
        end = pair.server.endLogin

        def endLogin() -> None:
            seen.append((pair.server.avatarId, pair.server.mechanism))
            end()

        pair.server.endLogin = endLogin
        self.who(pair)
        self.assertEqual(seen, [("ann", "md5")])

    def test_latest(self) -> None:
        """Of several logins on a connection, the latest is named."""
        pair = pairFor(RecordingRealm())
        self.who(pair)
        self.assertEqual(self.who(pair, Anonymous()), ("anonymous", "anonymous"))

    def test_names(self) -> None:
        """Any avatar id can be shown."""
        self.assertEqual([nameOf(each) for each in (b"a\xff", 5, ())], ["a\\xff", "5", "anonymous"])

    def test_public(self) -> None:
        """The interfaces are in pb."""
        for name in ("IScramCredentials", "IScramVerifiers", "ITokenCredentials", "ICertificateCredentials"):
            self.assertIn(name, pb.__all__)
