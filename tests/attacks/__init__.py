"""Tests of what a server withstands: C{attacks}, against real processes."""
