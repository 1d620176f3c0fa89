"""
The tests that Twisted ships for C{twisted.spread}, run against myspread.

Their source is read from the installed Twisted, so a newer Twisted brings its
newer tests. L{tests.stock.excluded} names those that we mean to fail.
"""
