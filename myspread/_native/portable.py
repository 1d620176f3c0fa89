"""
What the accelerator does, in Python: plain values to bytes and back in one
step, for installations that have no accelerator.

As there, whatever is unusual or wrong is left to the modules that define it:
every function here has a way to say "not mine". It knows what nearly all
messages are made of, and can only be faster, never different.
"""

from __future__ import annotations

from myspread._native.portablereading import Raw, Reader
from myspread._native.portabletables import NOT_PLAIN, TAGS, Tables
from myspread._native.portablewriting import Encoder

__all__ = ["NOT_PLAIN", "TAGS", "Encoder", "Raw", "Reader", "Tables"]
