"""
By which names a status page may be asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

__all__ = ["isAllowed"]

_form = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<name>[0-9A-Za-z._-]+))(?::\d{1,5})?")


def isAllowed(header: bytes | None, names: Collection[str]) -> bool:
    """
    Whether a request is for this server.

    A page of somebody else's can have its own name lead to 127.0.0.1, and so
    have a browser ask here for what it may then read (DNS rebinding). Its name
    is in the request; an address can't be such a name.

    @param header: the C{Host} of the request.
    @param names: those that the operator has named, in lower case.
    @return: whether it is an address, C{localhost}, or one of these.
    """
    found = _form.fullmatch((header or b"").decode("latin-1"))
    if found is None:
        return False
    host = (found["six"] or found["name"]).lower().rstrip(".")
    if host == "localhost" or host in names:
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
