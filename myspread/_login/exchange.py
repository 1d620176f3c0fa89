"""
Logins of several steps: what the server lends to the client in between.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred

from myspread._flavors.referencing import Referenceable
from myspread._login.attempts import Attempts
from myspread._login.avatars import JellyableAvatarMixin
from myspread._login.conversation import Malformed, ServerState
from myspread._login.entering import enter
from myspread._login.scram import ScramVerifier
from myspread._login.scramserver import ScramProof, ScramServer
from myspread._net.broker import Broker

__all__ = ["Exchange", "ScramExchange"]

WRONG = "wrong user name or password"
"""What whoever isn't let in hears, known or not."""


class Exchange(Referenceable, JellyableAvatarMixin):
    """
    A login that waits for its second step. It takes one only, for as long as a
    login may take.

    @ivar portal: the L{Portal<twisted.cred.portal.Portal>}.
    @ivar broker: the connection.
    """

    what = "this login"

    _used = False

    def __init__(self, portal: Any, broker: Broker, attempts: Attempts | None = None) -> None:
        """
        @param attempts: counts the logins of the connection.
        """
        self.portal = portal
        self.broker = broker
        self._attempts = attempts or Attempts(broker)
        self._since = self._attempts.now

    @property
    def isUseful(self) -> bool:
        """Whether a second step is still taken."""
        return not self._used and not self._isLate()

    def _isLate(self) -> bool:
        loginTime = self._attempts.limits.loginTime
        return loginTime is not None and self._attempts.now - self._since > loginTime

    def _notUseful(self) -> None:
        why = "was responded to before" if self._used else "is too old (Limits.loginTime)"
        raise UnauthorizedLogin(f"{self.what} {why}; ask for a new one")

    def _take(self, login: Any) -> Deferred[Any]:
        """Take the second step, if that is still possible: call C{login()} when it may be looked at."""
        if not self.isUseful:
            return self._attempts.run(self._notUseful, guesses=False)
        self._used = True
        return self._attempts.run(login)


class ScramExchange(Exchange):
    """
    A login with SCRAM-SHA-256 that waits for the client's proof.
    """

    what = "this challenge"

    def __init__(
        self,
        portal: Any,
        broker: Broker,
        mechanism: str,
        conversation: ScramServer,
        attempts: Attempts | None = None,
    ) -> None:
        """
        @param mechanism: how it is called.
        @param conversation: has read the client's first message.
        """
        super().__init__(portal, broker, attempts)
        self._mechanism = mechanism
        self._conversation = conversation
        self._verifier: ScramVerifier | None = None
        self._credentials: ScramProof | None = None

    def challenge(self, verifier: ScramVerifier) -> bytes:
        """
        The server's first message.

        @param verifier: the user's, or one that nobody has.
        """
        self._verifier = verifier
        return self._conversation.challenge(verifier)

    def remote_finish(self, message: Any) -> Deferred[Any]:
        """
        End the login, for a client that lends us nothing.

        @param message: the client's second message, with its proof.
        @return: a Deferred of the server's proof and the avatar; it fails with
            L{LoginFailed<twisted.cred.error.LoginFailed>}.
        """
        return self._take(lambda: self._finish(message))

    def _finish(self, message: Any) -> Deferred[Any]:
        proof = self._proof(message)
        return self._enter(None).addCallback(lambda avatar: (proof, avatar))

    def remote_prove(self, message: Any) -> Deferred[Any]:
        """
        The first half of C{finish}, for a client that has a mind to lend: it
        wants to know before to whom.

        @param message: the client's second message, with its proof.
        @return: a Deferred of the server's proof.
        """
        return self._take(lambda: self._proof(message))

    def remote_enter(self, mind: Any) -> Deferred[Any]:
        """
        The second half.

        @param mind: what the realm gets to call the client back.
        @return: a Deferred of the avatar.
        """
        if self._conversation.state is not ServerState.PROVEN or self._isLate():
            return self._attempts.run(self._notProven, guesses=False)
        return self._attempts.run(lambda: self._enter(mind), guesses=False)

    def _notProven(self) -> None:
        raise UnauthorizedLogin("nobody has proven anything here, or it is too long ago (Limits.loginTime)")

    def _proof(self, message: Any) -> bytes:
        assert self._verifier is not None
        try:
            self._credentials = self._conversation.finish(message, self._verifier)
        except Malformed as error:
            raise UnauthorizedLogin(str(error)) from None
        if self._credentials is None:
            raise UnauthorizedLogin(WRONG)
        return self._conversation.proof(self._verifier)

    def _enter(self, mind: Any) -> Deferred[Any]:
        self._conversation.enter()
        entered = enter(self.portal, self._credentials, mind, self._mechanism)
        return entered.addCallback(self._entered)
