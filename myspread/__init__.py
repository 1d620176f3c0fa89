"""
Perspective Broker for Twisted: remote calls between Python programs.

Write C{from myspread import pb} where you wrote C{from twisted.spread import pb};
or leave a program as it is, and L{substitute}.
"""

from myspread.substitution import substitute

__version__ = "0.1.0"
__all__ = ["__version__", "substitute"]
