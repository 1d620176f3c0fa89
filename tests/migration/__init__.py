"""
Programs that use C{twisted.spread} and myspread at the same time.
"""
