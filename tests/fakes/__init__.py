"""Doubles that implement the ports."""
