"""
Fuzzers: streams that no honest peer sends, and what must hold for each.

A case is a byte string. A target (L{decoding}, L{unjellying}, L{session},
L{login}) says what a case means and what must hold. L{generating} makes cases up
and changes known ones; L{corpus} keeps those that are replayed by every run of
the tests. See C{docs/topics/testing.rst} for how to run them for hours.
"""
