"""Whose certificates clients believe: read once in a process, for reading them takes longer than a call."""

import ssl
from functools import cache

import httpx


@cache
def public_authorities() -> ssl.SSLContext:
    """Return httpx's own context of public authorities, whatever the environment says."""
    return httpx.create_ssl_context(trust_env=False)
