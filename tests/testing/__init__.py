"""
Tests for L{myspread.testing}.
"""
