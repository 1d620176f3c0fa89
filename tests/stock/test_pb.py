"""
Twisted's own C{twisted.spread.test.test_pb}, run against myspread.
"""

from tests.stock.loading import loadStockTests

loadStockTests(globals())
