"""
Tests of L{myspread._service.limiting}.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread._service.limiting import SERVER_LIMITS, NoSuchSetting, withEarlyDrop, withSetting
from myspread.limits import BeforeLogin, Limits


class SettingTests(SynchronousTestCase):
    """
    L{withSetting} changes one limit, or says in one line why it can't.
    """

    def changed(self, setting: str) -> dict[str, Any]:
        """What a setting changes, by name."""
        limits = withSetting(SERVER_LIMITS, setting)
        return {
            name: value
            for name, value in vars(limits).items()
            if value != getattr(SERVER_LIMITS, name) or type(value) is not type(getattr(SERVER_LIMITS, name))
        }

    def refusal(self, setting: str) -> str:
        """Why a setting isn't made."""
        message = str(self.assertRaises(NoSuchSetting, withSetting, SERVER_LIMITS, setting))
        self.assertNotIn("\n", message)
        return message

    def test_numbers(self) -> None:
        """Whole numbers, and for seconds others too."""
        self.assertEqual(self.changed("connections=17"), {"connections": 17})
        self.assertEqual(self.changed("handshakeTime=2.5"), {"handshakeTime": 2.5})
        self.assertEqual(self.changed("loginAttempts=0"), {"loginAttempts": 0})

    def test_units(self) -> None:
        """Bytes may be given in thousands, of the kind that has 1024."""
        for text, value in (
            ("3k", 3 * 1024),
            ("3K", 3 * 1024),
            ("5M", 5 * 1024**2),
            ("1.5m", 3 * 1024**2 // 2),
            ("2MiB", 2 * 1024**2),
            ("1G", 1024**3),
        ):
            self.assertEqual(self.changed(f"messageLength={text}"), {"messageLength": value}, text)

    def test_minutes(self) -> None:
        """A time is plain seconds: C{2m} would be two million of them."""
        self.assertEqual(
            self.refusal("loginTime=2m"), "Limits.loginTime must be a number from 0 on, or None, not '2m'"
        )

    def test_none(self) -> None:
        """What may be without bound is, with C{none}."""
        for text in ("none", "None"):
            self.assertEqual(self.changed(f"connections={text}"), {"connections": None})
            self.assertEqual(self.changed(f"loginTime={text}"), {"loginTime": None})

    def test_beforeLogin(self) -> None:
        """The smaller bounds until login have names of two parts."""
        self.assertEqual(
            self.changed("beforeLogin.messageLength=8k"), {"beforeLogin": BeforeLogin(messageLength=8192)}
        )
        both = withSetting(withSetting(SERVER_LIMITS, "beforeLogin.calls=1"), "beforeLogin.elements=2")
        self.assertEqual(both.beforeLogin, BeforeLogin(calls=1, elements=2))

    def test_form(self) -> None:
        """Anything else than NAME=VALUE is refused."""
        for setting in ("connections", ""):
            self.assertEqual(self.refusal(setting), "a limit is given as NAME=VALUE")

    def test_unknownName(self) -> None:
        """A name that is no limit's is refused, and the nearest one is told."""
        for name, meant in (
            ("messageLenght", "messageLength"),
            ("connectionsperaddress", "connectionsPerAddress"),
            ("beforeLogin.call", "beforeLogin.calls"),
            ("beforeLogin", "beforeLogin.calls"),
        ):
            self.assertEqual(self.refusal(f"{name}=1"), f"there is no limit {name!r}; do you mean {meant}?")
        for name in ("", "\N{SNOWMAN}", "x" * 500, "beforeLogin.connections"):
            self.assertSubstring(f"there is no limit {name!r}; do you mean ", self.refusal(f"{name}=1"))

    def test_wrongValue(self) -> None:
        """A value that the limit can't have is refused, and what is wanted is told."""
        for setting, wanted in (
            ("connections=many", "Limits.connections must be an integer from 0 on, or None, not 'many'"),
            ("connections=", "Limits.connections must be an integer from 0 on, or None, not ''"),
            ("connections=-1", "Limits.connections must be an integer from 0 on, or None, not '-1'"),
            ("connections=1.5", "Limits.connections must be an integer from 0 on, or None, not 1.5"),
            ("references=none", "Limits.references must be an integer from 0 on, not None"),
            ("loginTime=nan", "Limits.loginTime must be a number from 0 on, or None, not 'nan'"),
            ("turnTime=none", "Limits.turnTime must be a number from 0 on, not None"),
            ("beforeLogin.calls=none", "BeforeLogin.calls must be an integer from 0 on, not None"),
            ("references=\N{ARABIC-INDIC DIGIT ONE}", "Limits.references must be an integer from 0 on, not "),
        ):
            self.assertSubstring(wanted, self.refusal(setting))

    def test_longNumber(self) -> None:
        """Not even a number with very many digits is anything else than a wrong value."""
        for digits in ("9" * 5000, "9" * 400 + ".5"):
            self.assertTrue(self.refusal(f"references={digits}"))


class ServerLimitsTests(SynchronousTestCase):
    """
    What holds unless the command line says otherwise.
    """

    def test_stricter(self) -> None:
        """It is nowhere looser than what holds in a bare factory."""
        for name, ours in vars(SERVER_LIMITS).items():
            default = getattr(Limits(), name)
            if name not in ("beforeLogin", "startupsRate", "loginDelay") and default is not None:
                self.assertLessEqual(ours, default, name)

    def test_counted(self) -> None:
        """Connections are counted, and logins delayed."""
        off = Limits(**{name: None for name in ("connections", "connectionsPerAddress", "startups")})
        self.assertEqual(off, Limits())
        for name in ("connections", "connectionsPerAddress", "startups", "startupsFull"):
            self.assertIsInstance(getattr(SERVER_LIMITS, name), int)
        self.assertGreater(SERVER_LIMITS.loginDelay, 0)

    def test_farm(self) -> None:
        """1,000 workers behind one address are below every count, even if each is there twice."""
        for name in ("connections", "connectionsPerAddress"):
            self.assertGreaterEqual(getattr(SERVER_LIMITS, name), 2000, name)
        self.assertGreater(SERVER_LIMITS.startups or 0, 1000)

    def test_unchanged(self) -> None:
        """Settings change copies."""
        before = replace(SERVER_LIMITS)
        withSetting(SERVER_LIMITS, "connections=1")
        self.assertEqual(SERVER_LIMITS, before)


class EarlyDropTests(SynchronousTestCase):
    """
    L{withEarlyDrop} leaves room for random drops.
    """

    def dropped(self, **changes: Any) -> tuple[Any, Any]:
        """C{startups} and C{startupsFull}, given what the user has changed."""
        limits = withEarlyDrop(replace(SERVER_LIMITS, **changes))
        return limits.startups, limits.startupsFull

    def test_fits(self) -> None:
        """The defaults stay as they are, and what the user has set in order."""
        self.assertEqual(withEarlyDrop(SERVER_LIMITS), SERVER_LIMITS)
        self.assertEqual(self.dropped(startups=10, startupsFull=20), (10, 20))
        self.assertEqual(self.dropped(startups=20, startupsFull=20), (20, 20))

    def test_smaller(self) -> None:
        """Where all are dropped, or there is no room, some are dropped before."""
        self.assertEqual(self.dropped(startupsFull=500), (250, 500))
        self.assertEqual(self.dropped(connections=500), (250, 500))
        self.assertEqual(self.dropped(connections=2000), (1500, 2000))
        self.assertEqual(self.dropped(connections=500, startups=100, startupsFull=None), (100, 500))

    def test_unbounded(self) -> None:
        """Without C{startups} nothing is dropped at random."""
        self.assertEqual(self.dropped(startups=None, connections=5), (None, 3000))
        self.assertEqual(self.dropped(connections=None, startupsFull=None), (1500, None))
