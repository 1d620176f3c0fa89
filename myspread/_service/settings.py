"""
What an operator can say to C{twistd pbserver}: one form for its command line,
its file and its manual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Protocol

__all__ = ["CommandLine", "Setting", "Settings", "Source", "Topic", "WrongSetting", "helpOn", "withoutSecret"]

WIDTH = 80
"""Columns of a screen."""

_INDENT = 26


@dataclass(frozen=True)
class Setting:
    """
    One thing that can be said.

    @ivar name: the option without its dashes, and the key in a file.
    @ivar help: what it means, in a sentence or two.
    @ivar value: what stands for its value in the help; empty for one that is
        only there or not.
    @ivar example: values that it can have, as its manual shows them.
    @ivar letter: the short option without its dash, if there is one.
    @ivar repeats: whether it can be said more than once.
    @ivar pairs: whether each value is C{NAME=VALUE}; in a file, these are a table.
    @ivar secret: whether what stands behind a colon in its value may be secret.
    """

    name: str
    help: str
    value: str = ""
    example: tuple[str, ...] = ()
    letter: str = ""
    repeats: bool = False
    pairs: bool = False
    secret: bool = False

    @property
    def isFlag(self) -> bool:
        """Whether it has no value."""
        return not self.value

    @property
    def default(self) -> Any:
        """What it is when nobody has said it: False, an empty list or None."""
        if self.isFlag:
            return False
        return [] if self.repeats else None

    @property
    def option(self) -> str:
        """How it is written on a command line."""
        long = f"--{self.name}" if self.isFlag else f"--{self.name}={self.value}"
        return f"-{self.letter}, {long}" if self.letter else f"    {long}"


@dataclass(frozen=True)
class Topic:
    """
    Settings that belong together.

    @ivar name: one word.
    @ivar title: a heading.
    @ivar settings: in the order of the manual.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]


class WrongSetting(ValueError):
    """
    A setting that can't be. The message is one line, and says why; where it was
    said is told by L{Settings.place}.

    @ivar name: that of the setting.
    @ivar value: which of its values is wrong; None where that isn't about one.
    """

    def __init__(self, name: str, problem: str, value: str | None = None) -> None:
        super().__init__(problem)
        self.name = name
        self.value = value


class Source(Protocol):
    """
    Where settings are said.
    """

    @property
    def name(self) -> str:
        """What it is called in a list of settings."""

    def place(self, setting: Setting, value: str | None) -> str:
        """
        Where it says a setting, for a message.

        @param value: one that it says; None for the setting as such.
        """


class CommandLine:
    """
    The command line.
    """

    name = "command line"

    def place(self, setting: Setting, value: str | None) -> str:
        """The option, with its value."""
        if value is None:
            return f"--{setting.name}"
        return f"--{setting.name} {value.partition(':')[0] if setting.secret else value}"


class Settings:
    """
    What was said, and where.
    """

    def __init__(self, topics: Sequence[Topic]) -> None:
        """
        @param topics: all there is to say.
        """
        self.topics = topics
        self._byName = {setting.name: setting for topic in topics for setting in topic.settings}
        self._said: dict[str, list[tuple[Any, Source]]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._byName

    def __iter__(self) -> Iterator[Setting]:
        return iter(self._byName.values())

    def __getitem__(self, name: str) -> Any:
        """
        What a setting is.

        @return: a bool for a flag, a list for one that repeats; otherwise text,
            or None if it wasn't said.
        @raise KeyError: when there is no such setting.
        """
        setting = self._byName[name]
        if name not in self._said:
            return setting.default
        values = [value for value, _ in self._said[name]]
        return values if setting.repeats else values[-1]

    def setting(self, name: str) -> Setting:
        """
        What a name stands for.

        @raise KeyError: when there is no such setting.
        """
        return self._byName[name]

    def say(self, name: str, value: Any, source: Source) -> None:
        """
        Take note of a setting.

        @param value: a bool or text; one more of a list for one that repeats.
        @param source: where it was said.
        """
        before = self._said.get(name, []) if self._byName[name].repeats else []
        self._said[name] = [*before, (value, source)]

    def place(self, error: WrongSetting) -> str:
        """
        Where what is wrong was said.
        """
        said = self._said.get(error.name, [])
        sources = [source for value, source in said if error.value in (None, value)]
        # The last one has replaced the others.
        source = sources[-1] if sources else CommandLine()
        return source.place(self._byName[error.name], error.value)

    def overriddenBy(self, others: Settings) -> Settings:
        """These settings, but for what others say."""
        both = Settings(self.topics)
        both._said = {**self._said, **others._said}
        for name, said in others._said.items():
            if self._byName[name].pairs:
                # The last pair of a name wins.
                both._said[name] = [*self._said.get(name, []), *said]
        return both

    def described(self) -> Iterator[str]:
        """Lines that tell of every setting that was said: what it is, and who said so."""
        for name, setting in self._byName.items():
            if name in self._said:
                values, sources = zip(*self._said[name], strict=True)
                texts = ["yes"] if setting.isFlag else map(withoutSecret if setting.secret else str, values)
                where = dict.fromkeys(source.name for source in sources)
                yield f"{name}: {', '.join(texts)} ({', '.join(where)})"


def withoutSecret(value: str) -> str:
    """What stands before the first colon, behind which there may be secrets."""
    before, colon, _ = value.partition(":")
    return f"{before}:..." if colon else before


def _helpOnSetting(setting: Setting, width: int) -> Iterator[str]:
    text = setting.help + (" May be repeated." if setting.repeats else "")
    lines = wrap(text, width - _INDENT)
    option = f"  {setting.option}"
    if len(option) >= _INDENT:
        yield option
    else:
        yield f"{option:<{_INDENT}}{lines.pop(0)}"
    for line in lines:
        yield " " * _INDENT + line


def helpOn(topic: Topic, width: int = WIDTH) -> str:
    """
    The help on one topic, which fits a screen.

    @param width: columns.
    """
    lines = [f"{topic.title}:"]
    for setting in topic.settings:
        lines += _helpOnSetting(setting, width)
    return "\n".join(lines)
