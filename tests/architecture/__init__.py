"""Rules of the house that no linter ships with."""
