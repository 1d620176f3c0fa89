"""
Twisted's own C{twisted.spread.test.test_jelly}, run against myspread.
"""

from tests.stock.loading import loadStockTests

loadStockTests(globals())
