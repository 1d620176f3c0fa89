"""
A tree of classes that receive copies; L{tests.interop.world} has the senders.
"""

from __future__ import annotations

from tests.interop.implementation import pb

__all__ = ["Animal", "Bird", "Fish"]


class Animal(pb.RemoteCopy):
    """The base of the tree."""


class Fish(Animal):
    """A branch."""


class Bird(Animal):
    """Another one."""
