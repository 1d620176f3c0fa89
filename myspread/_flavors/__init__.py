"""
How objects travel: by reference, as copies, as caches, as views.
"""
