"""
The client's side of login: choosing a mechanism, and going through its steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from twisted.logger import Logger

from myspread._errors import NoMechanism, NoSuchMethod, UnprovenServer
from myspread._login.channel import Channel
from myspread._login.conversation import Malformed
from myspread._login.mechanisms import (
    CERTIFICATE,
    MD5,
    ON_PRIVATE_CHANNELS,
    PLAIN,
    SCRAM_PLUS,
    STRONGEST_FIRST,
    TOKEN,
    listed,
)
from myspread._login.saltedpasswords import SaltedPasswords
from myspread._login.saslprep import saslprep
from myspread._login.scram import ScramKeys
from myspread._login.scramclient import Challenge, ScramClient
from myspread.limits import Limits, defaultLimits

__all__ = ["Authenticator"]

_log = Logger()

Md5Login = Callable[[Any, Any, Any, Any], Awaitable[Any]]

MOST_ANNOUNCED: Final = 100
"""Names in a server's list that are looked at."""


class Authenticator:
    """
    Logs in to servers, and remembers what makes the next login cheaper.
    """

    __slots__ = ("_limits", "_passwords", "_toldOfMd5")

    def __init__(self, limits: Limits | None, clock: Any) -> None:
        """
        @param limits: what a server may cost.
        @param clock: a reactor, whose threads hash passwords.
        """
        self._limits = limits
        self._passwords = SaltedPasswords(clock)
        self._toldOfMd5 = False

    async def login(
        self, root: Any, credentials: Any, mind: Any, accepted: tuple[str, ...], md5: Md5Login
    ) -> Any:
        """
        Log in.

        @param root: a reference to the server's root.
        @param mind: what the server's realm gets to call us back.
        @param accepted: the mechanisms that may be used.
        @param md5: logs in with MD5, given root, user name, password and mind.
        @return: the avatar.
        @raise NoMechanism: when there is no mechanism to use.
        @raise UnprovenServer: when the server may be somebody else.
        """
        channel = Channel(root.broker.transport)
        usable = _usable(accepted, channel)
        announced = await self._announced(root)
        announces = announced is not None
        # Those of twisted.spread don't announce the only one that they know.
        announced = [MD5] if announced is None else announced
        mechanism = _chosen(usable, announced, accepted, announces)
        if mechanism == MD5:
            return await md5(root, credentials.username, credentials.password, mind)
        if mechanism == TOKEN:
            return await root.callRemote("loginToken", credentials.token, mind)
        if mechanism == CERTIFICATE:
            return await root.callRemote("loginCertificate", mind)
        if mechanism == PLAIN:
            return await root.callRemote("loginPlain", credentials.username, credentials.password, mind)
        flag, binding = _bound(mechanism, announced, accepted, channel)
        return await self._scram(root, mechanism, credentials, mind, flag, binding)

    async def _announced(self, root: Any) -> list[str] | None:
        """What the server says that it takes; None where it doesn't say."""
        try:
            announced = await root.callRemote("mechanisms")
        except NoSuchMethod:
            return None
        if not isinstance(announced, (list, tuple)):
            return []
        return [
            name for name in announced[:MOST_ANNOUNCED] if isinstance(name, str) and name in STRONGEST_FIRST
        ]

    # SCRAM

    async def _scram(
        self, root: Any, mechanism: str, credentials: Any, mind: Any, flag: str, binding: bytes
    ) -> Any:
        username = saslprep(credentials.username, what="the user name")
        password = saslprep(credentials.password, what="the password")
        conversation = ScramClient(username, flag, binding)
        try:
            first, exchange = _pair(await root.callRemote("loginScram", mechanism, conversation.begin()))
            challenge = conversation.challenged(first)
            self._checkCost(challenge)
            keys = await self._passwords.keys(password, *challenge)
            return await _finished(exchange, conversation, keys, mind)
        except (Malformed, UnprovenServer) as error:
            root.broker.transport.loseConnection()
            if isinstance(error, UnprovenServer):
                raise
            raise UnprovenServer(f"the login was given up: {error}") from None

    def _checkCost(self, challenge: Challenge) -> None:
        most = (self._limits or defaultLimits()).scramIterations
        if challenge.iterations > most:
            raise Malformed(
                f"the server asks for {challenge.iterations} iterations, and Limits.scramIterations is "
                f"{most}; raise it if the server is known to want so many"
            )

    # MD5

    def tellMd5(self, root: Any) -> None:
        """Somebody is about to log in with MD5 where others may listen: say so, once."""
        # Programs make roots of their own, for tests.
        transport = getattr(getattr(root, "broker", None), "transport", None)
        if self._toldOfMd5 or transport is None or Channel(transport).isPrivate:
            return
        self._toldOfMd5 = True
        _log.warn(
            "Logging in to {peer} with MD5, where others may listen: they can guess the password fast. "
            "Servers on myspread take SCRAM-SHA-256, with pb.Password in the place of UsernamePassword.",
            peer=transport.getPeer(),
        )


def _usable(accepted: tuple[str, ...], channel: Channel) -> tuple[str, ...]:
    """Those of the mechanisms that the connection allows."""
    if not channel.isPrivate:
        usable = tuple(name for name in accepted if name not in ON_PRIVATE_CHANNELS)
        if not usable:
            raise NoMechanism(
                f"{listed(accepted)} would send the secret itself over a connection where others may listen; "
                "use TLS, a UNIX socket or a loopback address"
            )
        accepted = usable
    if channel.binding() is None:
        usable = tuple(name for name in accepted if name != SCRAM_PLUS)
        if not usable:
            raise NoMechanism(
                f"{SCRAM_PLUS} is bound to a TLS connection, of version 1.3 or with the extended master "
                "secret, and this connection is none"
            )
        accepted = usable
    return accepted


def _chosen(
    usable: tuple[str, ...], announced: list[str], accepted: tuple[str, ...], announces: bool
) -> str:
    for name in usable:
        if name in announced:
            return name
    only = " only" if len(announced) == 1 else ""
    offer = f"the server offers {listed(announced)}{only}"
    if not announces:
        offer = "the server doesn't say how to log in (on twisted.spread: with md5 only, if at all)"
    text = f"{offer}, and this client accepts {listed(accepted)}"
    unusable = [name for name in announced if name in accepted]
    if unusable:
        text += f"; {listed(unusable)} can't be used on this connection"
    elif CERTIFICATE in accepted:
        text += "; a server offers certificate to clients that have shown it one, over TLS"
    elif MD5 in announced and MD5 not in accepted and TOKEN not in accepted:
        text += "; if MD5 will do, accept it with mechanisms=['md5']"
    raise NoMechanism(text)


def _bound(
    mechanism: str, announced: list[str], accepted: tuple[str, ...], channel: Channel
) -> tuple[str, bytes]:
    """
    What to say of channel binding, and what the channel is bound to.

    Who would bind and says so lets the server notice that somebody has taken
    the mechanism from its list.
    """
    binding = channel.binding()
    if mechanism == SCRAM_PLUS:
        assert binding is not None
        return "p", binding
    would = binding is not None and SCRAM_PLUS in accepted and SCRAM_PLUS not in announced
    return ("y" if would else "n"), b""


def _pair(answer: Any) -> tuple[Any, Any]:
    if not isinstance(answer, (tuple, list)) or len(answer) != 2 or not hasattr(answer[1], "callRemote"):
        raise Malformed("the server's answer isn't one of SCRAM")
    return answer[0], answer[1]


async def _finished(exchange: Any, conversation: ScramClient, keys: ScramKeys, mind: Any) -> Any:
    """The avatar, from a server that has shown that it knows the password's verifier."""
    message = conversation.answer(keys)
    if mind is None:
        answer = await exchange.callRemote("finish", message)
        proof, avatar = answer if isinstance(answer, (tuple, list)) and len(answer) == 2 else (None, None)
        _checkServer(proof, conversation, keys)
        return avatar
    # Who isn't the server gets nothing of ours to call.
    _checkServer(await exchange.callRemote("prove", message), conversation, keys)
    return await exchange.callRemote("enter", mind)


def _checkServer(proof: Any, conversation: ScramClient, keys: ScramKeys) -> None:
    if not conversation.isServer(proof, keys):
        raise UnprovenServer(
            "the server takes the password without knowing it: somebody may stand in the place of the "
            "real one"
        )
