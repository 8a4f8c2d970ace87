"""Held against the standards and other implementations."""
