"""Patches under which the tests of an id must fail."""
