"""
The tests of C{twisted.spread} that myspread doesn't pass, and why.

Each reason is one that a user of the package can judge: the test looks at
something private to C{twisted.spread}, or it holds on to a fault of it.
L{tests.stock.loading} sees to it that each of them still fails.
"""

from __future__ import annotations

__all__ = ["EXCLUDED"]

_BEFORE_LOGIN = (
    "The server has a portal, and the test calls an object that is lent under another name without"
    " logging in. Until then our server accepts no more than a login needs:"
)

EXCLUDED: dict[str, str] = {
    "test_pb.BrokerTests.test_cache": f"{_BEFORE_LOGIN} no caches.",
    "test_pb.BrokerTests.test_tooManyRefs": f"{_BEFORE_LOGIN} no more than BeforeLogin.references.",
}
"""Reasons by test, as C{module.Class.method}."""
