"""
Large blocks of memory.

By default the allocator of glibc gives a block of more than 128 KiB back to the
system as soon as it is freed, and the next message gets its memory anew, page by
page: for one of half a megabyte that takes several times as long as all that is
done with it. Once the allocator has seen a larger block come and go, it keeps
smaller ones (mallopt(3), C{M_MMAP_THRESHOLD}, "dynamic"), and so many bytes twice
before it gives any back.
"""

from __future__ import annotations

from functools import cache

__all__ = ["LARGE_BLOCK", "keepLargeBlocks"]

LARGE_BLOCK = 8 * 1024 * 1024
"""Bytes: several strings of the greatest length that C{twisted.spread} knows."""


@cache
def keepLargeBlocks() -> int:
    """
    Let the allocator keep blocks of up to L{LARGE_BLOCK} bytes. The second time,
    nothing is done. Other allocators than that of glibc don't mind.

    @return: the bytes of the block that came and went.
    """
    # Nothing writes to it, so it takes no memory.
    return len(bytes(LARGE_BLOCK))
