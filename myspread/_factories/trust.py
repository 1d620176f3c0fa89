"""
Why a server isn't trusted, in words.
"""

from __future__ import annotations

from OpenSSL import SSL
from service_identity import VerificationError

from myspread._errors import UntrustedServer

__all__ = ["inWords"]

_UNVERIFIED = "certificate verify failed"


def inWords(error: BaseException, where: str) -> BaseException:
    """
    An error as people understand it.

    @param error: what connecting has failed with.
    @param where: the address.
    @return: an L{UntrustedServer} for what TLS says of the server's certificate;
        any other error as it is.
    """
    if isinstance(error, VerificationError):
        text = "is for another host; connect to a name that it is for"
    elif isinstance(error, SSL.Error) and _UNVERIFIED in str(error):
        text = "isn't trusted here; with trustRoots=FOLDER, the certificates in that folder are"
    else:
        return error
    why = f"{where}: the certificate of the server {text}"
    untrusted = UntrustedServer(string=why)  # type: ignore[no-untyped-call]
    untrusted.__cause__ = error
    return untrusted
