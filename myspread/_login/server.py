"""
The server's side of login: the root object that leads to a portal.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakSet

from twisted.cred.credentials import Anonymous, IUsernameHashedPassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, maybeDeferred
from zope.interface import implementer

from myspread._errors import Error
from myspread._flavors.dispatch import awaited
from myspread._flavors.perspective import Avatar
from myspread._flavors.referencing import Referenceable
from myspread._login.attempts import Attempts
from myspread._login.avatars import JellyableAvatarMixin
from myspread._login.challenge import challenge, digest, isRightResponse
from myspread._login.channel import Channel
from myspread._login.conversation import Malformed
from myspread._login.credentials import CertificateCredentials, PlainCredentials, TokenCredentials
from myspread._login.entering import enter
from myspread._login.exchange import Exchange, ScramExchange
from myspread._login.mechanisms import (
    ANONYMOUS,
    CERTIFICATE,
    MD5,
    PLAIN,
    SCRAM_MECHANISMS,
    STRONGEST_FIRST,
    TOKEN,
    listed,
)
from myspread._login.reception import Md5, Reception
from myspread._login.scram import ScramVerifier
from myspread._login.scramserver import ScramServer
from myspread._net.addresses import sourceOf
from myspread._net.broker import Broker
from myspread.interfaces import IPBRoot, IPerspective, IUsernameMD5Password

__all__ = ["JellyableAvatarMixin", "PortalAuthChallenger", "PortalRoot", "PortalWrapper", "Realm"]

LONGEST_USERNAME = 4096
"""Bytes or characters of a user name: more than a token has that stands in its place."""

LONGEST_SECRET = 4096
"""Bytes or characters of a password or token that is sent as it is."""


@implementer(IRealm)
class Realm:
    """
    A realm that gives everybody an L{Avatar} of their own. Subclasses override
    L{requestAvatar}.
    """

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """
        The avatar for a user.

        @param avatarId: who has logged in, as the checker says.
        @param mind: what the client gave along: a reference, or None.
        @return: interface, avatar and logout callable; the avatar, or the
            whole, may be a Deferred.
        @raise NotImplementedError: when C{IPerspective} isn't wanted.
        """
        if IPerspective not in interfaces:
            raise NotImplementedError(f"{type(self).__qualname__} has avatars for IPerspective only")
        avatar = Avatar(avatarId)
        return IPerspective, avatar, avatar.logout


@implementer(IPBRoot)
class PortalRoot:
    """
    Makes a L{PortalWrapper} for each connection, and holds each to the limits
    and the policy that are for peers that have not logged in.
    """

    def __init__(self, portal: Portal, *, md5: Md5 = "anywhere") -> None:
        """
        @param portal: who may come in, and to what.
        @param md5: from where logins with MD5 are taken: C{"anywhere"};
            C{"local"}, from this machine only; or C{"never"}.
        """
        self.portal = portal
        self._reception = Reception(portal, md5)

    def rootObject(self, broker: Any) -> Referenceable:
        """The root for a new connection, which has to log in."""
        # It may be one of twisted.spread, which has no such phase.
        if isinstance(broker, Broker):
            broker.beginLogin()
        attempts = Attempts(broker, self._reception.delays)
        return PortalWrapper(self.portal, broker, attempts, self._reception)


class PortalWrapper(Referenceable, JellyableAvatarMixin):
    """
    The root object of a connection that has not logged in.
    """

    def __init__(
        self,
        portal: Any,
        broker: Broker,
        attempts: Attempts | None = None,
        reception: Reception | None = None,
    ) -> None:
        """
        @param portal: the L{Portal}.
        @param broker: the connection.
        @param attempts: counts the logins of the connection.
        @param reception: knows how clients may log in.
        """
        self.portal = portal
        self.broker = broker
        self._attempts = attempts or Attempts(broker)
        self._reception = reception or Reception(portal)
        self._outstanding: WeakSet[Exchange] | None = None

    # How to log in

    def _channel(self) -> Channel:
        return Channel(getattr(self.broker, "transport", None))

    def remote_mechanisms(self) -> list[str]:
        """How one can log in on this connection, strongest first."""
        return self._reception.mechanisms(self._channel())

    def _attempt(self, mechanism: Any, login: Callable[[], Any], guesses: bool = True) -> Deferred[Any]:
        """Attempt a login, if its mechanism is one of those that can be used."""
        if mechanism not in STRONGEST_FIRST or mechanism not in self.remote_mechanisms():
            return self._attempts.run(lambda: self._notOffered(mechanism), guesses=False)
        return self._attempts.run(login, guesses)

    def _notOffered(self, mechanism: Any) -> None:
        # What isn't one of our names may be anything.
        what = mechanism if mechanism in STRONGEST_FIRST else "this"
        offered = listed(self.remote_mechanisms())
        raise UnauthorizedLogin(
            f"{what} is no way to log in on this connection; what can be used is {offered}"
        )

    def _enter(self, credentials: Any, mind: Any, mechanism: str) -> Deferred[Any]:
        return enter(self.portal, credentials, mind, mechanism).addCallback(self._entered)

    # MD5, as in twisted.spread

    def remote_login(self, username: Any) -> Any:
        """
        Begin a login with user name and password.

        @return: a challenge, and the L{PortalAuthChallenger} that wants the
            response.
        @raise UnauthorizedLogin: when this can't be a user name, or the server
            doesn't take such logins on this connection.
        @raise Error: when too many challenges wait for their responses.
        """
        if not _isText(username, LONGEST_USERNAME):
            return self._attempts.run(_noUsername, guesses=False)
        if not self._reception.takesMd5(self._channel()):
            self._reception.tellRefusedMd5(self.broker, username)
            return self._attempts.run(lambda: self._notOffered(MD5), guesses=False)
        self._checkOutstanding()
        given = challenge()
        challenger = PortalAuthChallenger(
            self.portal, self.broker, username, given, self._attempts, self._reception
        )
        self._remember(challenger)
        return given, challenger

    def _remember(self, exchange: Exchange) -> None:
        if self._outstanding is None:
            self._outstanding = WeakSet()
        self._outstanding.add(exchange)

    def _checkOutstanding(self) -> None:
        most = self._attempts.limits.beforeLogin.references
        if self._outstanding is None or len(self._outstanding) < most:
            return
        useful = [each for each in self._outstanding if each.isUseful]
        self._outstanding = WeakSet(useful)
        if len(useful) >= most:
            raise Error(
                f"{most} challenges wait for their responses already (Limits.beforeLogin.references): "
                "respond to one of them, or forget it"
            )

    # SCRAM

    def remote_loginScram(self, mechanism: Any, message: Any) -> Any:
        """
        Begin a login with SCRAM-SHA-256.

        @param mechanism: C{scram-sha-256} or C{scram-sha-256-plus}.
        @param message: the client's first message.
        @return: a Deferred of the server's first message, and the
            L{ScramExchange} that wants the second one of the client.
        @raise Error: when too many challenges wait for their responses.
        """
        if mechanism not in SCRAM_MECHANISMS or mechanism not in self.remote_mechanisms():
            return self._attempts.run(lambda: self._notOffered(mechanism), guesses=False)
        self._checkOutstanding()
        channel = self._channel()
        try:
            conversation = ScramServer(mechanism, channel.binding(), isTls=channel.isTls)
            username = conversation.begin(message)
        except Malformed as error:
            return self._attempts.run(_refusal(str(error)), guesses=False)
        exchange = ScramExchange(self.portal, self.broker, mechanism, conversation, self._attempts)
        self._remember(exchange)
        known = maybeDeferred(lambda: awaited(self._reception.verifiers.verifierFor(username)))
        return known.addCallback(self._challenge, username, exchange)

    def _challenge(self, verifier: ScramVerifier | None, username: bytes, exchange: ScramExchange) -> Any:
        # Made for everybody, so that it takes as long.
        unknown = self._reception.unknown(username)
        return exchange.challenge(unknown if verifier is None else verifier), exchange

    # One step

    def remote_loginToken(self, token: Any, mind: Any) -> Deferred[Any]:
        """
        Log in with a token.

        @return: a Deferred of the avatar; it fails with L{LoginFailed
            <twisted.cred.error.LoginFailed>}, as all these do.
        """
        if not _isText(token, LONGEST_SECRET):
            return self._attempts.run(_refusal(f"a token is bytes or text, {LONGEST_SECRET} at most"))
        return self._attempt(TOKEN, lambda: self._enter(TokenCredentials(_bytesOf(token)), mind, TOKEN))

    def remote_loginPlain(self, username: Any, password: Any, mind: Any) -> Deferred[Any]:
        """
        Log in with user name and password, which are sent as they are.

        @return: a Deferred of the avatar.
        """
        if not _isText(username, LONGEST_USERNAME) or not _isText(password, LONGEST_SECRET):
            text = f"user name and password are bytes or text, {LONGEST_SECRET} at most"
            return self._attempts.run(_refusal(text))
        name, secret = _bytesOf(username), _bytesOf(password)
        credentials = PlainCredentials(name, secret, self._isWanted, self._source())
        return self._attempt(PLAIN, lambda: self._enter(credentials, mind, PLAIN))

    def _isWanted(self) -> bool:
        return not self.broker.disconnected

    def _source(self) -> Hashable:
        # Without an address, each connection is one of its own.
        transport = getattr(self.broker, "transport", None)
        source = None if transport is None else sourceOf(transport.getPeer())
        return id(self.broker) if source is None else source

    def remote_loginCertificate(self, mind: Any) -> Deferred[Any]:
        """
        Log in with the certificate that the client has shown to TLS.

        @return: a Deferred of the avatar.
        """
        return self._attempt(CERTIFICATE, lambda: self._loginCertificate(mind), guesses=False)

    def _loginCertificate(self, mind: Any) -> Deferred[Any]:
        try:
            certificate = self._channel().certificate()
        except ValueError as error:
            raise UnauthorizedLogin(f"this certificate can't be used: {error}") from error
        assert certificate is not None
        return self._enter(CertificateCredentials(certificate), mind, CERTIFICATE)

    def remote_loginAnonymous(self, mind: Any) -> Deferred[Any]:
        """
        Log in without credentials.

        @return: a Deferred of the avatar; it fails with L{LoginFailed
            <twisted.cred.error.LoginFailed>}.
        """
        return self._attempts.run(lambda: self._enter(Anonymous(), mind, ANONYMOUS), guesses=False)


def _isText(value: object, longest: int) -> bool:
    return isinstance(value, (bytes, str)) and len(value) <= longest


def _bytesOf(text: bytes | str) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else text


def _refusal(text: str) -> Callable[[], None]:
    def refuse() -> None:
        raise UnauthorizedLogin(text)

    return refuse


_noUsername = _refusal(f"a user name is bytes or text, {LONGEST_USERNAME} at most")


@implementer(IUsernameHashedPassword, IUsernameMD5Password)
class PortalAuthChallenger(Exchange):
    """
    Credentials in the making: user name and challenge, and soon the response.
    It takes one response only, for as long as a login may take.
    """

    what = "this challenge"

    response: Any = None

    def __init__(
        self,
        portal: Any,
        broker: Broker,
        username: Any,
        challenge: bytes,
        attempts: Attempts | None = None,
        reception: Reception | None = None,
    ) -> None:
        """
        @param portal: the L{Portal}.
        @param broker: the connection.
        @param username: who wants to log in.
        @param challenge: what the client was given.
        @param attempts: counts the logins of the connection.
        @param reception: is told of who logs in.
        """
        super().__init__(portal, broker, attempts)
        self.username = username
        self.challenge = challenge
        self._reception = reception

    def remote_respond(self, response: Any, mind: Any) -> Deferred[Any]:
        """
        End a login with user name and password.

        @return: a Deferred of the avatar; it fails with L{LoginFailed
            <twisted.cred.error.LoginFailed>}, also when this challenge was
            responded to before, or is too old.
        """
        if self.isUseful:
            self.response = response
        return self._take(lambda: self._login(mind))

    def _login(self, mind: Any) -> Deferred[Any]:
        answer = enter(self.portal, self, mind, MD5).addCallback(self._entered)
        return answer.addCallback(self._tell)

    def _tell(self, avatar: Any) -> Any:
        if self._reception is not None:
            self._reception.tellMd5(self.broker)
        return avatar

    def checkPassword(self, password: bytes | str) -> bool:
        """Whether the response fits a password."""
        return self.checkMD5Password(digest(_bytesOf(password)))

    def checkMD5Password(self, md5Password: bytes) -> bool:
        """Whether the response fits a password of which this is the MD5 digest."""
        return isRightResponse(self.response, self.challenge, md5Password)
