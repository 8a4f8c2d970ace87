"""Catalogue entries as others write them: one model of what is said, many forms of saying it."""
