"""
The server's side of login: the root object that leads to a portal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from twisted.cred.credentials import Anonymous, IUsernameHashedPassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from myspread._errors import Error
from myspread._flavors.dispatch import awaited
from myspread._flavors.perspective import Avatar
from myspread._flavors.referencing import AsReferenceable, Referenceable
from myspread._jelly.telling import tellFailure
from myspread._login.attempts import Attempts
from myspread._login.challenge import challenge, digest, isRightResponse
from myspread._login.delays import Delays
from myspread._login.entering import Entry, enter
from myspread._net.broker import Broker
from myspread.interfaces import IJellyable, IPBRoot, IPerspective, IUsernameMD5Password
from myspread.limits import defaultLimits

__all__ = ["JellyableAvatarMixin", "PortalAuthChallenger", "PortalRoot", "PortalWrapper", "Realm"]

_log = Logger()

LONGEST_USERNAME = 4096
"""Bytes or characters of a user name: more than a token has that stands in its place."""


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

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self._delays = Delays()

    def rootObject(self, broker: Any) -> Referenceable:
        """The root for a new connection, which has to log in."""
        # It may be one of twisted.spread, which has no such phase.
        if isinstance(broker, Broker):
            broker.beginLogin()
        return PortalWrapper(self.portal, broker, Attempts(broker, self._delays))


class _GivenBack:
    """
    Ends all the logins of one connection that got the same avatar, as many as
    they may be, once the client forgets its last reference to it.

    @ivar endings: what to call.
    """

    def __init__(self, avatar: Any, earlier: Callable[[], Any] | None) -> None:
        """
        @param earlier: what else is to be called, afterwards.
        """
        # Nothing else may get its identity meanwhile.
        self._avatar = avatar
        self._earlier = earlier
        self.endings: list[_Logout] = []

    def __call__(self) -> None:
        for ending in self.endings:
            ending()
        if self._earlier is not None:
            self._earlier()


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
            maybeDeferred(callback).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        tellFailure(self._broker, _log, "A logout failed.", failure)

    def attachTo(self, avatar: Any) -> None:
        """Watch the references to an avatar, and the connection."""
        self._broker.notifyOnDisconnect(self)
        if self._callback is None or not hasattr(avatar, "processUniqueID"):
            # It is lost already; or the avatar doesn't travel as a reference that could be given back.
            return
        identity = avatar.processUniqueID()
        cleanups = self._broker._localCleanup
        givenBack = cleanups.get(identity)
        if not isinstance(givenBack, _GivenBack):
            cleanups[identity] = givenBack = _GivenBack(avatar, givenBack)
        givenBack.endings.append(self)


def _checkRoom(broker: Broker) -> None:
    """
    Avatars that travel as references are counted when they are lent; but they
    can be the same one, or be given to a peer that wants no answer.

    @raise Error: when as many logins last as references may be lent.
    """
    limits = getattr(broker, "limits", None) or defaultLimits()
    lasting = sum(type(each) is _Logout for each in broker.disconnects or ())
    if lasting > limits.references:
        raise Error(f"{lasting} logins last on this connection already (Limits.references)")


def _attach(broker: Broker, avatar: Any, logout: Callable[[], Any], entry: Entry | None) -> Any:
    ending = _Logout(broker, logout)
    try:
        _checkRoom(broker)
        if not IJellyable.providedBy(avatar):
            avatar = AsReferenceable(avatar, "perspective")
        ending.attachTo(avatar)
    except Exception:
        # The realm has let somebody in whom nobody can be.
        ending()
        raise
    if isinstance(broker, Broker):
        if entry is not None:
            broker.avatarId, broker.mechanism = entry.avatarId, entry.mechanism
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
        return self._cameIn(result, None)

    def _entered(self, entry: Entry) -> Deferred[Any]:
        """As L{_cbLogin}; and the broker is told who it is."""
        return self._cameIn(entry.answer, entry)

    def _cameIn(self, result: Any, entry: Entry | None) -> Deferred[Any]:
        answer = awaited(result)
        if isinstance(answer, Deferred):
            return answer.addCallback(self._cameIn, entry)
        _, avatar, logout = answer
        avatar = awaited(avatar)
        waiting = avatar if isinstance(avatar, Deferred) else succeed(avatar)
        return waiting.addCallback(lambda ready: _attach(self.broker, ready, logout, entry))


class PortalWrapper(Referenceable, JellyableAvatarMixin):
    """
    The root object of a connection that has not logged in.
    """

    def __init__(self, portal: Any, broker: Broker, attempts: Attempts | None = None) -> None:
        """
        @param portal: the L{Portal}.
        @param broker: the connection.
        @param attempts: counts the logins of the connection.
        """
        self.portal = portal
        self.broker = broker
        self._attempts = attempts or Attempts(broker)
        self._outstanding: WeakSet[PortalAuthChallenger] | None = None

    def remote_login(self, username: Any) -> Any:
        """
        Begin a login with user name and password.

        @return: a challenge, and the L{PortalAuthChallenger} that wants the
            response.
        @raise UnauthorizedLogin: when this can't be a user name.
        @raise Error: when too many challenges wait for their responses.
        """
        if not isinstance(username, (bytes, str)) or len(username) > LONGEST_USERNAME:
            return self._attempts.run(_noUsername, guesses=False)
        self._checkOutstanding()
        given = challenge()
        challenger = PortalAuthChallenger(self.portal, self.broker, username, given, self._attempts)
        if self._outstanding is None:
            self._outstanding = WeakSet()
        self._outstanding.add(challenger)
        return given, challenger

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

    def remote_loginAnonymous(self, mind: Any) -> Deferred[Any]:
        """
        Log in without credentials.

        @return: a Deferred of the avatar; it fails with L{LoginFailed
            <twisted.cred.error.LoginFailed>}.
        """
        return self._attempts.run(lambda: self._loginAnonymous(mind), guesses=False)

    def _loginAnonymous(self, mind: Any) -> Deferred[Any]:
        return enter(self.portal, Anonymous(), mind, "anonymous").addCallback(self._entered)


def _noUsername() -> None:
    raise UnauthorizedLogin(f"a user name is bytes or text, {LONGEST_USERNAME} at most")


@implementer(IUsernameHashedPassword, IUsernameMD5Password)
class PortalAuthChallenger(Referenceable, JellyableAvatarMixin):
    """
    Credentials in the making: user name and challenge, and soon the response.
    It takes one response only, for as long as a login may take.
    """

    response: Any = None
    _used = False

    def __init__(
        self, portal: Any, broker: Broker, username: Any, challenge: bytes, attempts: Attempts | None = None
    ) -> None:
        """
        @param portal: the L{Portal}.
        @param broker: the connection.
        @param username: who wants to log in.
        @param challenge: what the client was given.
        @param attempts: counts the logins of the connection.
        """
        self.portal = portal
        self.broker = broker
        self.username = username
        self.challenge = challenge
        self._attempts = attempts or Attempts(broker)
        self._since = self._attempts.now

    @property
    def isUseful(self) -> bool:
        """Whether a response is still accepted."""
        return not self._used and not self._isLate()

    def _isLate(self) -> bool:
        loginTime = self._attempts.limits.loginTime
        return loginTime is not None and self._attempts.now - self._since > loginTime

    def remote_respond(self, response: Any, mind: Any) -> Deferred[Any]:
        """
        End a login with user name and password.

        @return: a Deferred of the avatar; it fails with L{LoginFailed
            <twisted.cred.error.LoginFailed>}, also when this challenge was
            responded to before, or is too old.
        """
        if self._used or self._isLate():
            return self._attempts.run(self._notUseful, guesses=False)
        self._used = True
        self.response = response
        return self._attempts.run(lambda: self._login(mind))

    def _notUseful(self) -> None:
        why = "was responded to before" if self._used else "is too old (Limits.loginTime)"
        raise UnauthorizedLogin(f"this challenge {why}; ask for a new one")

    def _login(self, mind: Any) -> Deferred[Any]:
        return enter(self.portal, self, mind, "md5").addCallback(self._entered)

    def checkPassword(self, password: bytes | str) -> bool:
        """Whether the response fits a password."""
        encoded = password.encode("utf-8") if isinstance(password, str) else password
        return self.checkMD5Password(digest(encoded))

    def checkMD5Password(self, md5Password: bytes) -> bool:
        """Whether the response fits a password of which this is the MD5 digest."""
        return isRightResponse(self.response, self.challenge, md5Password)
