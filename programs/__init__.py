"""
Programs from PyPI that use C{twisted.spread}, unmodified, on myspread.

They bring many packages along, so they have environments of their own:
C{tox -e programs-buildbot,programs-jasmin}. Their own tests come from their source distributions, which
are looked for in the directory that the variable C{PROGRAM_SOURCES} names.
"""
