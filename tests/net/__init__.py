"""
The tests of C{myspread._net}.
"""
