"""
The tests of C{myspread._login}.
"""
