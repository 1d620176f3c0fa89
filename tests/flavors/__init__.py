"""Tests for C{myspread._flavors}."""
