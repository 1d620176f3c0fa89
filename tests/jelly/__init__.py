"""Tests for C{myspread._jelly}."""
