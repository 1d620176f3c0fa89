"""
Tests for L{myspread._codec.blocks}.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import myspread
from myspread._codec.blocks import LARGE_BLOCK, keepLargeBlocks
from myspread.limits import Limits

PROGRAM = """
import resource
from myspread._codec.blocks import keepLargeBlocks

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        bytearray(b"x") * (512 * 1024)
        parts = [bytes([n]) * (512 * 1024) for n in range(3)]
        b"".join(parts)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
keepLargeBlocks()
faults()
print(before, faults())
"""


class BlockTests(SynchronousTestCase):
    """
    L{keepLargeBlocks}.
    """

    def test_once(self) -> None:
        """One block comes and goes; it holds any string of the default limits several times."""
        self.assertEqual(keepLargeBlocks(), LARGE_BLOCK)
        self.assertEqual(keepLargeBlocks.cache_info().currsize, 1)
        self.assertGreaterEqual(LARGE_BLOCK, 8 * Limits().stringLength)

    def test_pageFaults(self) -> None:
        """With glibc, memory for large messages isn't got page by page any more."""
        if platform.libc_ver()[0] != "glibc":
            self.skipTest("this is about the allocator of glibc")
        package = str(Path(myspread.__file__).resolve().parents[1])
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": package},
            capture_output=True,
            text=True,
            check=True,
        )
        before, after = map(int, ran.stdout.split())
        self.assertLess(after * 10, before)
