"""
Factories, and the functions that connect them.
"""
