"""Signed policy bundles of the shipped rules, and the approver's key that every home of the tests trusts."""

import json
from collections.abc import Mapping
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec

from policies.bundle import Bundle, build, packaged_data, packaged_modules, release, sign

APPROVER_KEY = ec.derive_private_key(11, ec.SECP256R1())
KEY_ID = "approver-1"
KEYS = {KEY_ID: APPROVER_KEY.public_key()}


def a_release(
    serial: int = 1, *, expires: int, departments: Mapping[str, str] | None = None
) -> Bundle:
    """The shipped rules with departments' own, ready to be signed."""
    modules = {**packaged_modules(), **(departments or {})}
    return _release(serial, expires, tuple(modules.items()), json.dumps(packaged_data()))


@lru_cache(maxsize=32)
def _release(serial: int, expires: int, modules: tuple[tuple[str, str], ...], data: str) -> Bundle:
    """The same once in a process: nobody changes a bundle."""
    return release(dict(modules), json.loads(data), serial=serial, expires=expires)


def signed(bundle: Bundle) -> bytes:
    return sign(build(bundle), key=APPROVER_KEY, key_id=KEY_ID)


def closing(department: str) -> dict[str, str]:
    """The rules of a department that denies every request for its resources."""
    source = f"""package departments["{department}"]

deny contains {{
	"ref": request.ref,
	"rule": "closed",
	"code": "MARKET_CLOSED",
	"legal_basis": ["《政务数据共享条例》第十八条"],
}} if {{
	some request in input.requests
	input.catalogue[request.resource].owner == "{department}"
}}
"""
    return {f"departments/{department}/rules.rego": source}
