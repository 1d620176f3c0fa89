"""
The tests of C{myspread._factories}.
"""
