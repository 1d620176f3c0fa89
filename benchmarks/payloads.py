"""
What travels.
"""

from __future__ import annotations

from typing import Any

__all__ = ["BYTES", "EVENT", "PAGED", "SMALL", "nested", "records"]

SMALL = 7

BYTES = bytes(range(256)) * (512 * 4)
"""512 KiB."""

PAGED = bytes(range(256)) * (16 * 1024 * 4)
"""16 MiB."""

EVENT = {"symbol": "TWST", "price": 12.5, "volume": 1200, "side": "buy", "final": False}


def records(count: int) -> list[dict[str, Any]]:
    """Small dictionaries, of the kind that rows of a database table become."""
    return [
        {
            "id": number,
            "name": f"name{number}",
            "price": number * 1.5,
            "first": "alpha",
            "second": "beta",
            "third": "gamma",
            "active": number % 2 == 0,
        }
        for number in range(count)
    ]


def nested(elements: int) -> list[Any]:
    """
    So many small integers. More than a thousand come in lists of a thousand,
    because one list of Perspective Broker holds 655,360 elements.
    """
    numbers = [number & 0xFF for number in range(elements)]
    if elements <= 1000:
        return numbers
    return [numbers[start : start + 1000] for start in range(0, elements, 1000)]
