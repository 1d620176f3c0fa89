"""Tests of C{twistd pbserver}."""
