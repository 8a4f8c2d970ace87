"""Parts a recorded question in two: what many calls share is kept once, and what is one call's own with it.

Shared are the revision of the policy, the touched catalogue, the matters, and the grants without their
counts; own is the rest, in which identifiers stand as tokens of the call. What is committed to names the
shared part by SHA-256 and holds the own part, so that the salted digest of the entry binds both.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from audit.errors import ProofError

SHARED = ("catalogue", "matters", "grants")
COUNT = "used_today"
"""Member of a grant that changes with every call."""
_OWN = frozenset({"shared", "own"})


def shared_part(question: Mapping[str, Any], *, revision: str) -> bytes:
    """Return what many calls share of a question, of which no other member is looked at."""
    grants = [
        {name: held for name, held in grant.items() if name != COUNT}
        for grant in question["grants"]
    ]
    shared = {name: question[name] for name in SHARED} | {"grants": grants, "revision": revision}
    return _json(shared).encode()


def committed(digest: str, own: str) -> dict[str, str]:
    """Return the value that an entry commits to: `own` is JSON of all the other members and the counts."""
    return {"shared": digest, "own": own}


def digest_of(document: bytes) -> str:
    """Return the name under which a shared part is kept: SHA-256, hex."""
    return sha256(document).hexdigest()


def shared_of(value: Any) -> str | None:
    """Return which shared part a committed question names; None where it is a whole text of its own.

    Raises ProofError for what is neither.
    """
    if isinstance(value, str):
        return None
    if not isinstance(value, dict) or value.keys() != _OWN:
        raise ProofError("a question that is neither a text nor two parts of one")
    return str(value["shared"])


def joined(value: Mapping[str, str], document: bytes) -> str:
    """Return the question's one text again. Raises ProofError where the parts do not belong together."""
    if digest_of(document) != value["shared"]:
        raise ProofError("the shared part of a question is not the one that it names")
    try:
        shared, own = json.loads(document), json.loads(value["own"])
        counts = own.pop(COUNT)
        grants = [
            grant | {COUNT: count} for grant, count in zip(shared["grants"], counts, strict=True)
        ]
        del shared["revision"]
        return _json(own | shared | {"grants": grants})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProofError("the two parts of a question do not fit") from error


def _json(value: Any) -> str:
    """The form in which questions are written: members sorted, not RFC 8785, for conditions hold numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
