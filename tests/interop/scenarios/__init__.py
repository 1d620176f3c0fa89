"""
What a client does with a server, and what both must see of it.

Each module has coroutine functions that take a L{tests.interop.session.Session}
and are decorated with L{tests.interop.session.scenario}.
"""

from tests.interop.scenarios import caches, calls, copies, errors, login, pages, references, types, values

__all__ = ["caches", "calls", "copies", "errors", "login", "pages", "references", "types", "values"]
