"""
Twisted's own C{twisted.spread.test.test_banana}, run against myspread.
"""

from tests.stock.loading import loadStockTests

loadStockTests(globals())
