"""
Caches that outlive a session. The names of L{twisted.spread.publish}.
"""

from __future__ import annotations

from myspread._flavors.published import Publishable, RemotePublished, whenReady

__all__ = ["Publishable", "RemotePublished", "whenReady"]
