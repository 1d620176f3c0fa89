"""
Every program under C{docs/examples}, run against its counterpart.
"""
