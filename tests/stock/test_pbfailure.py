"""
Twisted's own C{twisted.spread.test.test_pbfailure}, run against myspread.
"""

from tests.stock.loading import loadStockTests

loadStockTests(globals())
