"""
Programs that are written for C{twisted.spread}, and run on myspread unchanged.
"""
