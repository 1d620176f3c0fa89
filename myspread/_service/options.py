"""
The command line of C{twistd pbserver}.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from twisted.cred.portal import Portal
from twisted.python import usage

from myspread._factories.reactor import theReactor
from myspread._login.reception import Md5
from myspread._service.accounts import findPortal, helpOnAuth, takesMd5
from myspread._service.configuration import WrongFile, nearest, readFile
from myspread._service.demonstration import Demonstration
from myspread._service.endpoints import SharedSettings, checkUsed, endpointFor, sharedSettings
from myspread._service.inherited import InheritedSocket
from myspread._service.limiting import SERVER_LIMITS, NoSuchSetting, seconds, withBudget, withSetting
from myspread._service.named import NotFound
from myspread._service.ports import Port
from myspread._service.roots import describing, findPolicy, findRoot, mayLogIn
from myspread._service.settings import WIDTH, CommandLine, Setting, Settings, WrongSetting, helpOn
from myspread._service.status import statusPort
from myspread._service.tls import WrongFiles
from myspread._service.topics import TOPICS
from myspread._service.wrongports import explained
from myspread.limits import Limits
from myspread.pb import Budget

__all__ = ["Options"]

COMMAND_LINE = CommandLine()
"""Where most settings are said."""

HELP = """\
Help:
      --help-on=TOPIC     Help on one of the topics listening, serving, login,
                          limits and operating, with examples.
      --help              All of this.
      --version           The version of Twisted."""


def _advice(error: str) -> str:
    """What to add to an error about an option that there isn't."""
    unknown = re.fullmatch(r"option --(\S+) not recognized", error)
    known = [setting.name for setting in Settings(TOPICS)]
    if unknown is None or not get_close_matches(unknown[1], known):
        return ""
    return f"; do you mean --{nearest(unknown[1], known)}?"


def _handler(setting: Setting) -> Callable[..., None]:
    """
    What C{usage.Options} calls when it meets an option. It looks at the
    signature for whether there is a value, and at the docstring.
    """

    def flag(self: Options) -> None:
        self.settings.say(setting.name, True, COMMAND_LINE)

    def option(self: Options, value: str) -> None:
        self.settings.say(setting.name, value, COMMAND_LINE)

    handler = flag if setting.isFlag else option
    handler.__doc__ = setting.help
    return handler


def _withHandlers(kind: type[Options]) -> type[Options]:
    for topic in TOPICS:
        for setting in topic.settings:
            handler = _handler(setting)
            for name in filter(None, (setting.name, setting.letter)):
                setattr(kind, f"opt_{name.replace('-', '_')}", handler)
    return kind


@_withHandlers
class Options(usage.Options):
    """
    What the user wants served, and where.

    Once they are parsed, C{options["root"]} is the object to serve,
    C{options["ports"]} a list of L{Port}s, C{options["limits"]} the L{Limits}
    and C{options["policy"]} the policy, or None for the default one;
    C{options["budget"]} is the L{Budget} of those who log in, or None;
    C{options["drain"]} is how many seconds calls may go on at the end,
    C{options["slowCall"]} how many one may take before the log tells of it, or
    None.

    @ivar settings: what was said on the command line and in the file.
    @ivar reactor: where the ports listen, and what drives the demonstration;
        None for the global reactor.
    """

    synopsis = "[options]"
    compData = usage.Completions(
        multiUse=[setting.name for topic in TOPICS for setting in topic.settings if setting.repeats]
    )

    reactor: Any = None

    def __init__(self) -> None:
        usage.Options.__init__(self)
        self.settings = Settings(TOPICS)

    def opt_help_on(self, name: str) -> None:
        """Print the help on one topic, with examples."""
        topics = {topic.name: topic for topic in TOPICS}
        if name not in topics:
            raise usage.UsageError(f"--help-on {name}: the topics are {', '.join(topics)}")
        print(helpOn(topics[name]))
        print("\nExamples:")
        for setting in topics[name].settings:
            for example in setting.example:
                print(f"  --{setting.name} {example}")
        sys.exit(0)

    def getUsage(self, width: int | None = None) -> str:
        """
        The help on every topic.

        @param width: columns.
        """
        topics = [helpOn(topic, width or WIDTH) for topic in TOPICS if topic.settings]
        return "\n\n".join([*topics, HELP]) + "\n"

    def parseArgs(self, *arguments: str) -> None:
        """
        Nothing may follow the options.

        @raise usage.UsageError: when something does.
        """
        if arguments:
            raise usage.UsageError(f"unexpected argument {arguments[0]!r}")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Parse the command line.

        @param options: its words; by default those of this process.
        @raise SystemExit: when they are wrong. It carries the line that the
            interpreter prints to stderr as it exits with status 1. C{twistd}
            itself would answer a L{usage.UsageError} with a page of help, on
            stdout.
        """
        try:
            usage.Options.parseOptions(self, options)
        except usage.UsageError as error:
            sys.exit(f"twistd pbserver: {error}{_advice(str(error))}")

    def postOptions(self) -> None:
        """
        Find everything that was named, so that a wrong name is reported before
        the process becomes a daemon.

        @raise usage.UsageError: when a setting is wrong.
        @raise SystemExit: after C{--check}.
        """
        if self.reactor is None:
            self.reactor = theReactor()
        if self.settings["config"] is not None:
            self._readFile(self.settings["config"])
        try:
            self._findAll(self.settings)
        except WrongSetting as error:
            raise usage.UsageError(f"{self.settings.place(error)}: {error}") from error
        if self.settings["check"]:
            self._tell()

    def _findAll(self, settings: Settings) -> None:
        descriptions = settings["port"] or ["tcp:8800"]
        self["ports"] = _ports(self.reactor, descriptions, settings)
        self["limits"] = _limits(settings["limit"])
        self["budget"] = _budget(settings["budget"])
        self["policy"] = _named("policy", findPolicy, settings["policy"])
        if settings["describe"]:
            self["policy"] = describing(self["policy"])
        self["root"] = (
            _portal(settings) or _named("root", findRoot, settings["root"]) or Demonstration(self.reactor)
        )
        self["drain"] = _seconds("drain", settings["drain"], 30.0)
        self["md5"] = _oneOf("md5", settings["md5"] or "local", get_args(Md5))
        _checkLogins(self["root"], settings)
        self["slowCall"] = _seconds("slow-call", settings["slow-call"], None)
        self["status"] = [_statusPort(self.reactor, description) for description in settings["status"]]
        self["statusHosts"] = settings["status-host"]
        if self["statusHosts"] and not self["status"]:
            raise WrongSetting("status-host", "there is no status page to ask for; --status serves one")

    def _readFile(self, path: str) -> None:
        said = Settings(TOPICS)
        try:
            readFile(path, said)
        except WrongFile as error:
            raise usage.UsageError(f"--config {error}") from error
        self.settings = said.overriddenBy(self.settings)

    def _tell(self) -> None:
        """Say what would be served."""
        for port in self["ports"]:
            print(f"would listen on {port.description}")
        print(f"would serve {self.settings['realm'] or self.settings['root'] or 'the demonstration'}")
        for line in self.settings.described():
            print(line)
        sys.exit(0)


def _ports(reactor: Any, descriptions: list[str], settings: Settings) -> list[Port]:
    shared = sharedSettings(settings["client-ca"], settings["client-cert"], settings["trusted-proxy"])
    ports = [_port(reactor, description, shared) for description in descriptions]
    checkUsed(shared, [port.endpoint for port in ports])
    return ports


def _port(reactor: Any, description: str, shared: SharedSettings) -> Port:
    if description.isdigit():
        raise WrongSetting("port", f"an endpoint description is like tcp:{description}", description)
    try:
        return Port(description, endpointFor(reactor, description, shared))
    except (WrongFiles, InheritedSocket) as error:
        raise WrongSetting("port", str(error), description) from error
    except Exception as error:
        raise WrongSetting("port", explained(error), description) from error


def _portal(settings: Settings) -> Any:
    """
    @raise SystemExit: after C{--auth help}.
    """
    realm, auth = settings["realm"], settings["auth"]
    for text in filter(None, map(helpOnAuth, auth)):
        print(text)
        sys.exit(0)
    if realm is not None and settings["root"] is not None:
        raise WrongSetting("realm", "it takes the place of --root: name one of them")
    return findPortal(realm, auth, settings["anonymous"])


def _checkLogins(root: Any, settings: Settings) -> None:
    """
    See to it that what was said about those who log in is of use: somebody could
    rely on it.
    """
    why = "nobody logs in to what is served; --realm and --auth let people log in, or a Portal as --root"
    if settings["md5"] is not None and not isinstance(root, Portal):
        raise WrongSetting("md5", why)
    if settings["budget"] and not mayLogIn(root):
        raise WrongSetting("budget", why)
    if settings["md5"] == "anywhere" and settings["realm"] is not None and not takesMd5(root):
        why = "none of the checkers takes logins with MD5; --auth help tells which do"
        raise WrongSetting("md5", why, "anywhere")


def _statusPort(reactor: Any, description: str) -> Port:
    try:
        return statusPort(reactor, description)
    except Exception as error:
        raise WrongSetting("status", explained(error), description) from error


def _limits(settings: list[str]) -> Limits:
    limits = SERVER_LIMITS
    for setting in settings:
        try:
            limits = withSetting(limits, setting)
        except NoSuchSetting as error:
            raise WrongSetting("limit", str(error), setting) from error
    return limits


def _budget(settings: list[str]) -> Budget | None:
    budget: Budget | None = None
    for setting in settings:
        try:
            budget = withBudget(budget or Budget(), setting)
        except NoSuchSetting as error:
            raise WrongSetting("budget", str(error), setting) from error
    return budget


def _seconds(option: str, text: str | None, default: float | None) -> float | None:
    try:
        return default if text is None else seconds(text)
    except ValueError as error:
        raise WrongSetting(option, str(error), text) from error


def _oneOf(option: str, value: str, values: Sequence[str]) -> str:
    if value not in values:
        raise WrongSetting(option, f"it must be one of {', '.join(values)}", value)
    return value


def _named(option: str, find: Callable[[str], Any], name: str | None) -> Any:
    if name is None:
        return None
    try:
        return find(name)
    except NotFound as error:
        raise WrongSetting(option, str(error), name) from error
