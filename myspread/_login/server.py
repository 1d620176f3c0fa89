"""
The server's side of login: the root object that leads to a portal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.cred.credentials import Anonymous, IUsernameHashedPassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from myspread._flavors.dispatch import awaited
from myspread._flavors.perspective import Avatar
from myspread._flavors.referencing import AsReferenceable, Referenceable
from myspread._login.challenge import challenge, digest, isRightResponse
from myspread._net.broker import Broker
from myspread.interfaces import IJellyable, IPBRoot, IPerspective, IUsernameMD5Password

__all__ = ["JellyableAvatarMixin", "PortalAuthChallenger", "PortalRoot", "PortalWrapper", "Realm"]

_log = Logger()


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
    """Makes a L{PortalWrapper} for each connection."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    def rootObject(self, broker: Any) -> Referenceable:
        """The root for a new connection, which has to log in."""
        # It may be one of twisted.spread, which has no such phase.
        if isinstance(broker, Broker):
            broker.beginLogin()
        return PortalWrapper(self.portal, broker)


class _Logout:
    """
    Calls what the realm wants called at logout, once: when the client forgets
    its last reference to the avatar or when the connection is lost, whichever
    is first.
    """

    def __init__(self, broker: Broker, callback: Callable[[], Any]) -> None:
        self._broker = broker
        self._callback: Callable[[], Any] | None = callback

    def __call__(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            self._broker.dontNotifyOnDisconnect(self)
            maybeDeferred(callback).addErrback(lambda failure: _log.failure("A logout failed.", failure))

    def attachTo(self, avatar: Any) -> None:
        """Watch the references to an avatar, and the connection."""
        self._broker.notifyOnDisconnect(self)
        if not hasattr(avatar, "processUniqueID"):
            # It doesn't travel as a reference that could be given back.
            return
        identity = avatar.processUniqueID()
        cleanups = self._broker._localCleanup
        earlier = cleanups.get(identity)

        # Holding the avatar: nothing else may get its identity meanwhile.
        def cleanUp(held: Any = avatar) -> None:
            self()
            if earlier is not None:
                earlier()

        cleanups[identity] = cleanUp


def _attach(broker: Broker, avatar: Any, logout: Callable[[], Any]) -> Any:
    if not IJellyable.providedBy(avatar):
        avatar = AsReferenceable(avatar, "perspective")
    _Logout(broker, logout).attachTo(avatar)
    if isinstance(broker, Broker):
        broker.endLogin()
    return avatar


class JellyableAvatarMixin:
    """
    What a login ends with. Programs that write a login of their own inherit it
    too, under the name C{pb._JellyableAvatarMixin}.

    @ivar broker: the connection.
    """

    broker: Any

    def _cbLogin(self, result: Any) -> Deferred[Any]:
        """
        The avatar in the form in which it is sent, given what the portal
        answered.
        """
        answer = awaited(result)
        if isinstance(answer, Deferred):
            return answer.addCallback(self._cbLogin)
        _, avatar, logout = answer
        avatar = awaited(avatar)
        waiting = avatar if isinstance(avatar, Deferred) else succeed(avatar)
        return waiting.addCallback(lambda ready: _attach(self.broker, ready, logout))


class PortalWrapper(Referenceable, JellyableAvatarMixin):
    """
    The root object of a connection that has not logged in.
    """

    def __init__(self, portal: Any, broker: Broker) -> None:
        """
        @param portal: the L{Portal}.
        @param broker: the connection.
        """
        self.portal = portal
        self.broker = broker

    def remote_login(self, username: Any) -> Any:
        """
        Begin a login with user name and password.

        @return: a challenge, and the L{PortalAuthChallenger} that wants the
            response.
        """
        given = challenge()
        return given, PortalAuthChallenger(self.portal, self.broker, username, given)

    def remote_loginAnonymous(self, mind: Any) -> Deferred[Any]:
        """
        Log in without credentials.

        @return: a Deferred of the avatar; it fails with L{LoginFailed
            <twisted.cred.error.LoginFailed>}.
        """
        answer: Deferred[Any] = self.portal.login(Anonymous(), mind, IPerspective)
        return answer.addCallback(self._cbLogin)


@implementer(IUsernameHashedPassword, IUsernameMD5Password)
class PortalAuthChallenger(Referenceable, JellyableAvatarMixin):
    """
    Credentials in the making: user name and challenge, and soon the response.
    It takes one response only.
    """

    response: Any = None
    _used = False

    def __init__(self, portal: Any, broker: Broker, username: Any, challenge: bytes) -> None:
        self.portal = portal
        self.broker = broker
        self.username = username
        self.challenge = challenge

    def remote_respond(self, response: Any, mind: Any) -> Deferred[Any]:
        """
        End a login with user name and password.

        @return: a Deferred of the avatar; it fails with L{LoginFailed
            <twisted.cred.error.LoginFailed>}.
        @raise UnauthorizedLogin: when this challenge was responded to before.
        """
        if self._used:
            raise UnauthorizedLogin("this challenge was responded to before; ask for a new one")
        self._used = True
        self.response = response
        answer: Deferred[Any] = self.portal.login(self, mind, IPerspective)
        return answer.addCallback(self._cbLogin)

    def checkPassword(self, password: bytes | str) -> bool:
        """Whether the response fits a password."""
        encoded = password.encode("utf-8") if isinstance(password, str) else password
        return self.checkMD5Password(digest(encoded))

    def checkMD5Password(self, md5Password: bytes) -> bool:
        """Whether the response fits a password of which this is the MD5 digest."""
        return isRightResponse(self.response, self.challenge, md5Password)
