"""
Login with C{twisted.cred}, on both sides.
"""
