"""Catalogue entries in and out: read where they can do no harm, compared, taken in one transaction."""
