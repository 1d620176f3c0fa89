"""
Who may log in to C{twistd pbserver}, from what its command line says.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IAnonymous, IUsernameHashedPassword, IUsernamePassword
from twisted.cred.portal import IRealm, Portal
from twisted.cred.strcred import InvalidAuthType, findCheckerFactories, makeChecker

from myspread._service.named import NotFound, find
from myspread._service.settings import WrongSetting
from myspread.accounts import portalOf
from myspread.interfaces import (
    ICertificateCredentials,
    IScramCredentials,
    ITokenCredentials,
    IUsernameMD5Password,
)

__all__ = ["findPortal", "helpOnAuth", "takesMd5"]

LOGINS: dict[Any, str] = {
    IScramCredentials: "SCRAM-SHA-256",
    ICertificateCredentials: "client certificate",
    ITokenCredentials: "token",
    IUsernamePassword: "password over TLS",
    IUsernameHashedPassword: "MD5",
    IUsernameMD5Password: "MD5",
    IAnonymous: "nothing",
}
"""The credentials that a client can have here, and what it logs in with."""


def findPortal(realm: str | None, auth: Sequence[str], anonymous: bool) -> Portal | None:
    """
    The portal that is served.

    @param realm: where the avatars come from, as C{package.module:object}.
    @param auth: descriptions of checkers, as C{twisted.cred.strcred} has them.
    @param anonymous: whether logins without credentials are let in, too.
    @return: None when nothing of all this was said.
    @raise WrongSetting: when one of them is wrong, or missing.
    """
    if realm is None:
        if auth or anonymous:
            said = "auth" if auth else "anonymous"
            raise WrongSetting(said, "it needs --realm, which says what those who log in get")
        return None
    if not auth and not anonymous:
        raise WrongSetting("realm", "it needs --auth or --anonymous: otherwise nobody can log in")
    try:
        found = find(realm, "realm", "does not provide IRealm", IRealm.providedBy)
    except NotFound as error:
        raise WrongSetting("realm", str(error), realm) from error
    checkers = [_checker(description) for description in auth]
    return portalOf(found, [*checkers, AllowAnonymousAccess()] if anonymous else checkers)


def takesMd5(portal: Portal) -> bool:
    """Whether logins with MD5 can be made to a portal, from wherever they are taken."""
    return any(LOGINS.get(each) == "MD5" for each in portal.checkers)


def _checker(description: str) -> Any:
    # What comes behind it can be a password.
    kind = description.partition(":")[0]
    try:
        checker = makeChecker(description)
    except InvalidAuthType as error:
        near = get_close_matches(kind, [each.authType for each in findCheckerFactories()], 1)
        hint = f"did you mean {near[0]!r}?" if near else "--auth help lists them"
        raise WrongSetting("auth", f"there is no such checker; {hint}", description) from error
    except Exception as error:
        message = " ".join(str(error).split()) or type(error).__name__
        raise WrongSetting("auth", message, description) from error
    if isinstance(checker, InMemoryUsernamePasswordDatabaseDontUse):
        # Twisted's plugin gives it text, and credentials have bytes: nobody would ever be let in.
        checker.users = {_bytes(user): _bytes(password) for user, password in checker.users.items()}
    if not any(each in LOGINS for each in checker.credentialInterfaces):
        raise WrongSetting("auth", "it takes no credentials that a client can have here", description)
    return checker


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else text


def helpOnAuth(word: str) -> str | None:
    """
    What C{--auth} can be.

    @param word: C{help}, or C{help:NAME} for one of them.
    @return: None when it is something else.
    @raise WrongSetting: when nothing goes by that name.
    """
    kind, _, name = word.partition(":")
    if kind != "help":
        return None
    usable = {each.authType: each for each in findCheckerFactories() if _loginsWith(each)}
    if not name:
        lines = [f"  {each.authType:<16}{_loginsWith(each)}" for _, each in sorted(usable.items())]
        return "\n".join(
            ["--auth NAME:ARGUMENT, where clients log in with:", *lines, "", "More on one: --auth help:NAME"]
        )
    if name not in usable:
        raise WrongSetting("auth", f"there is no checker {name!r}; --auth help lists them", word)
    factory = usable[name]
    return f"--auth {name}:ARGUMENT\n\nARGUMENT: {factory.argStringFormat}\n\n{factory.authHelp.strip()}"


def _loginsWith(factory: Any) -> str:
    """What clients log in with, strongest first; empty when they can't."""
    return ", ".join(dict.fromkeys(LOGINS[each] for each in LOGINS if each in factory.credentialInterfaces))
