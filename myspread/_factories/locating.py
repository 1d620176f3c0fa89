"""
DNS SRV records: which servers offer a service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.error import ConnectError
from twisted.names import client, dns
from twisted.names.error import DNSNameError, DomainError

__all__ = ["inOrder", "locate"]


def inOrder(records: Sequence[Any], random: Callable[[], float]) -> list[Any]:
    """
    SRV records in the order in which to try them (RFC 2782): those of lower
    priority first, and of equals the heavier ones more often.

    @param random: gives numbers from 0 to 1.
    """
    ordered: list[Any] = []
    for priority in sorted({record.priority for record in records}):
        # A record without weight is chosen now and then, if it stands first.
        rest = sorted((each for each in records if each.priority == priority), key=lambda each: each.weight)
        while rest:
            chosen = random() * sum(each.weight for each in rest)
            for record in rest:
                chosen -= record.weight
                if chosen <= 0:
                    break
            rest.remove(record)
            ordered.append(record)
    return ordered


async def locate(service: str, resolver: Any, random: Callable[[], float]) -> list[tuple[str, int]]:
    """
    The servers that offer a service, in the order in which to try them.

    @param service: such as C{_pb._tcp.example.org}.
    @param resolver: provides C{IResolver}; None for the system's.
    @raise ConnectError: when there are none, or the DNS can't say.
    """
    lookUp = client.lookupService if resolver is None else resolver.lookupService
    try:
        answers, _, _ = await lookUp(service)
    except DomainError as error:
        # Its text is the message of the DNS server, which tells people nothing.
        why = "the DNS doesn't know it" if isinstance(error, DNSNameError) else type(error).__name__
        raise ConnectError(string=f"{service}: {why}") from error
    records = [answer.payload for answer in answers if answer.type == dns.SRV]
    # A dot alone says that the service isn't offered at all.
    servers = [
        (str(record.target).rstrip("."), int(record.port))
        for record in inOrder(records, random)
        if str(record.target) not in ("", ".")
    ]
    if not servers:
        raise ConnectError(string=f"{service}: no server offers this service, says the DNS")
    return servers
