"""
Tests of L{myspread._service.descriptions}.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.endpoints import serverFromString
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from myspread._service.descriptions import Description, described, takenApart

words = st.text(st.sampled_from("ab:=\\ é"), max_size=6)


class DescriptionTests(SynchronousTestCase):
    """
    L{takenApart} and L{described}.
    """

    def test_takenApart(self) -> None:
        """Colons, equals signs, and backslashes before those that are meant as such."""
        for text, positional, named in (
            ("tcp:1", ["tcp", "1"], {}),
            ("tcp:1:interface=::1", ["tcp", "1", "", "1"], {"interface": ""}),
            (r"tcp:1:interface=\:\:1", ["tcp", "1"], {"interface": "::1"}),
            ("unix:/a b", ["unix", "/a b"], {}),
            (r"unix:a\=b\\:mode=660", ["unix", "a=b\\"], {"mode": "660"}),
            ("x:y=a=b", ["x"], {"y": "a=b"}),
            ("", [""], {}),
            ("x::", ["x", "", ""], {}),
        ):
            self.assertEqual(takenApart(text), Description(positional, named), text)

    def test_endOfBackslash(self) -> None:
        """A backslash at the end is wrong."""
        self.assertRaises(ValueError, takenApart, "unix:a\\")

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(words, min_size=1, max_size=4), st.dictionaries(words, words, max_size=4))
    def test_both(self, positional: list[str], named: dict[str, str]) -> None:
        """What is put together can be taken apart."""
        self.assertEqual(takenApart(described(positional, named)), (positional, named))

    def test_twisted(self) -> None:
        """Twisted reads what is put together."""
        endpoint = serverFromString(
            MemoryReactorClock(), described(["unix", "/a:b=c\\d"], {"mode": "600", "lockfile": "0"})
        )
        self.assertEqual((endpoint._address, endpoint._mode), ("/a:b=c\\d", 0o600))
