"""
The interfaces of Perspective Broker: the very objects of C{twisted.spread}.

A realm, avatar or root that is written for one package therefore works with
the other.
"""

from __future__ import annotations

from twisted.spread.flavors import IPBRoot
from twisted.spread.interfaces import IJellyable, IUnjellyable
from twisted.spread.pb import IPerspective, IUsernameMD5Password

__all__ = [
    "IJellyable",
    "IPBRoot",
    "IPerspective",
    "IUnjellyable",
    "IUsernameMD5Password",
]
