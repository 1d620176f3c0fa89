"""
The processes that the tests of this folder share.
"""

from __future__ import annotations

import atexit

from attacks.measuring import Site

__all__ = ["closeAll", "siteFor"]

_sites: dict[tuple[str, str], Site] = {}


def closeAll() -> None:
    """End all of them: their clients call all the time, and never tire."""
    while _sites:
        _sites.popitem()[1].close()


atexit.register(closeAll)


def siteFor(package: str, served: str) -> Site:
    """
    A server that can be attacked: the one that is there, unless the last
    attack has spoilt it.
    """
    site = _sites.get((package, served))
    if site is not None and not site.usable:
        _sites.pop((package, served)).close()
        site = None
    if site is None:
        site = _sites[package, served] = Site(package, served)
    return site
