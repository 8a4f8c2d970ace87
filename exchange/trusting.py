"""Whose signature makes a bundle: the log says which keys are trusted since when, however they were named.

Trusted keys stand in the settings, which whoever owns the machine can write. So each start compares them with
those that it recorded last and records the difference before anything is decided: a key can be named
unseen, but no bundle of its holder is ever in force before an entry names the key.
"""

import json
from collections.abc import Mapping

from sqlalchemy import Engine

from audit.entry import Draft
from audit.log import Log
from audit.search import search
from audit.wanted import Token, Wanted
from exchange.archives import Keys
from exchange.identity.keys import thumbprint

KIND = "policy.keys-trusted"


def record_trust(log: Log, indexed: Engine, keys: Keys, *, token: Token) -> None:
    """Append an entry where the keys are others than those that the log names. Raises LogUnavailableError.

    Keys are told by their RFC 7638 thumbprints. A log whose trust was always empty is told nothing.
    """
    held = {key_id: thumbprint(key) for key_id, key in sorted(keys.items())}
    before = _last(log, indexed, token=token)
    if held == before:
        return
    added = [key_id for key_id, told in held.items() if before.get(key_id) != told]
    removed = [key_id for key_id, told in before.items() if held.get(key_id) != told]
    facts = {"keys": held, "added": added, "removed": removed}
    log.append(Draft(kind=KIND, clear={"facts": facts}))


def _last(log: Log, indexed: Engine, *, token: Token) -> Mapping[str, str]:
    page = search(indexed, Wanted(kind=KIND), token=token, first=1)
    if not page.rows:
        return {}
    told: dict[str, str] = json.loads(log.entry(page.rows[0].index))["facts"]["keys"]
    return told
