"""
Python as it is typed at a prompt, with C{await}.
"""

from __future__ import annotations

import ast
from codeop import CommandCompiler
from inspect import isawaitable
from types import CodeType
from typing import Any

__all__ = ["Evaluator", "isWhole"]

_FILE = "<input>"
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

_compiler = CommandCompiler()
_compiler.compiler.flags |= _FLAGS


def isWhole(source: str) -> bool:
    """
    Whether some lines are all of a statement, and no more are to come.

    @raise SyntaxError: when none could make a statement of them.
    """
    return _compiler(source, _FILE, "single") is not None


def _compiled(source: str) -> tuple[CodeType, bool]:
    """The code of a statement, and whether it is an expression."""
    try:
        return compile(source, _FILE, "eval", _FLAGS, dont_inherit=True), True
    except SyntaxError:
        return compile(source, _FILE, "exec", _FLAGS, dont_inherit=True), False


class Evaluator:
    """
    Runs statements, one after the other, in one namespace.

    @ivar names: the namespace.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    async def run(self, source: str) -> Any:
        """
        Run a statement.

        @return: the value of an expression, awaited if it can be; else None.
        @raise SyntaxError: when it is none.
        """
        code, isExpression = _compiled(source.strip("\n"))
        # This is what the user has typed, and none of a peer's.
        value = eval(code, self.names)
        if isawaitable(value):
            value = await value
        # A call that the user didn't await would just show a Deferred.
        if isExpression and isawaitable(value):
            value = await value
        if isExpression and value is not None:
            self.names["_"] = value
        return value if isExpression else None
