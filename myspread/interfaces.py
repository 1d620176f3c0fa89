"""
The interfaces of Perspective Broker: the very objects of C{twisted.spread}, and
those of the logins that only myspread has.

A realm, avatar or root that is written for one package therefore works with
the other.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import ICredentials
from twisted.spread.flavors import IPBRoot
from twisted.spread.interfaces import IJellyable, IUnjellyable
from twisted.spread.pb import IPerspective, IUsernameMD5Password
from zope.interface import Attribute, Interface

__all__ = [
    "ICertificateCredentials",
    "IJellyable",
    "IPBRoot",
    "IPerspective",
    "IScramCredentials",
    "IScramVerifiers",
    "ITokenCredentials",
    "IUnjellyable",
    "IUsernameMD5Password",
]


class IScramCredentials(ICredentials):
    """
    Credentials of a login with SCRAM-SHA-256: a proof that somebody knows a
    password. A checker that takes them provides L{IScramVerifiers}, too.
    """

    username: bytes = Attribute("Who wants to log in: UTF-8, after SASLprep.")

    def check(verifier: Any) -> bool:
        """
        Whether the proof fits.

        @param verifier: the L{ScramVerifier<pb.ScramVerifier>} that is stored
            for the user.
        """


class IScramVerifiers(Interface):
    """
    What a checker that takes L{IScramCredentials} provides, besides
    C{ICredentialsChecker}.

    Unknown users get a salt as well, so that nobody learns which ones there
    are. C{iterations} and C{secret} are for that, and may be missing: then the
    number is the default one of L{ScramVerifier<pb.ScramVerifier>}, and the
    salts change when the server starts again.
    """

    iterations: int = Attribute("The number of iterations that most verifiers have.")
    secret: bytes = Attribute("Some random bytes, which are kept as the verifiers are.")

    def verifierFor(username: bytes) -> Any:
        """
        The verifier of a user.

        @param username: UTF-8, after SASLprep.
        @return: a L{ScramVerifier<pb.ScramVerifier>}, or None for an unknown
            user; or a Deferred of these.
        """


class ITokenCredentials(ICredentials):
    """
    Credentials that are a token: a text that is secret, and says by itself who
    has it.
    """

    token: bytes = Attribute("What the client has sent.")


class ICertificateCredentials(ICredentials):
    """
    Credentials that are the certificate of the client of a TLS connection.
    """

    certificate: Any = Attribute(
        "The L{cryptography.x509.Certificate}; TLS has verified it, and that the client has its key."
    )
