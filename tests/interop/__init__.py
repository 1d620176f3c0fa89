"""
myspread and C{twisted.spread} as each other's peers, in separate processes.
"""
