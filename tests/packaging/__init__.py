"""Tests of the package as a whole: its modules, its names, its distribution files."""
