"""
Paging, and local objects that look remote. The names of L{twisted.spread.util}.
"""

from __future__ import annotations

from myspread._flavors.local import LocalAsRemote, LocalAsyncForwarder, LocalMethod
from myspread._net.paging import CallbackPageCollector, FilePager, Pager, StringPager, getAllPages

__all__ = [
    "CallbackPageCollector",
    "FilePager",
    "LocalAsRemote",
    "LocalAsyncForwarder",
    "LocalMethod",
    "Pager",
    "StringPager",
    "getAllPages",
]
