"""
The tests of C{myspread._peer}.
"""
