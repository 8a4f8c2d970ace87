"""Sabotages of identity and of the client: each opens one door that the tests of its id must find open."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import audit.verify
import exchange.web.reading
import gateway.parse
from audit.verify import Finding, Report
from exchange.identity import keys, nonces, signatures, tokens
from tests.sabotage.kit import Sabotage, replaced

_FIND_KEY = signatures.find_key
_ACCESSED = tokens.Accessed


def _nothing(*_: Any, **__: Any) -> None:
    """Check nothing."""


@contextmanager
def _both(*pairs: tuple[Any, Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for original, substitute in pairs:
            stack.enter_context(replaced(original, substitute))
        yield


def _unsigned_input(_: Any) -> Any:
    """What a signature header would have said, had there been one."""
    return signatures._Input(
        label="sig",
        components=(),
        params="()",
        created=0,
        expires=2**40,
        nonce="nonce-0000000001",
        key_id="",
        algorithm=None,
    )


def _any_key(_: str, *, keys: Any, now: Any) -> Any:
    return next(iter(keys.values()))


def _state_unseen(key_id: str, *, keys: Any, now: Any) -> Any:
    whole = {name: replace(key, state="active", not_after=None) for name, key in keys.items()}
    return _FIND_KEY(key_id, keys=whole, now=now)


def _proven(**members: Any) -> Any:
    return _ACCESSED(**{**members, "auth": "dpop", "signature": bytes(64)})


def _all_is_well(*_: Any, **__: Any) -> Report:
    codes = ("CHECKPOINT_SIGNED", "LEAF_INCLUDED", "REQUEST_MATCHES", "ANSWER_MATCHES")
    return Report(findings=tuple(Finding(code=code) for code in codes))


def _whatever_is_accepted(_: object) -> str:
    return exchange.web.reading.GRAPHQL


SABOTAGES: dict[str, Sabotage] = {
    "I1": Sabotage(
        why="a request without signature counts as signed by the first key",
        apply=lambda: _both(
            (signatures._read_input, _unsigned_input),
            (signatures._read_signature, lambda _: ("sig", bytes(64))),
            (signatures._check_coverage, _nothing),
            (signatures._check_time, _nothing),
            (signatures.find_key, _any_key),
            (keys.check_signature, _nothing),
        ),
    ),
    "I2": Sabotage(
        why="every signature holds", apply=lambda: replaced(keys.check_signature, _nothing)
    ),
    "I3": Sabotage(
        why="time is not looked at",
        apply=lambda: replaced(signatures._check_time, _nothing),
    ),
    "I4": Sabotage(
        why="a key's state and last day are not looked at",
        apply=lambda: replaced(signatures.find_key, _state_unseen),
    ),
    "I5": Sabotage(
        why="whoever is named is believed",
        apply=lambda: replaced(keys.check_signature, _nothing),
    ),
    "I6": Sabotage(
        why="every nonce is new",
        apply=lambda: replaced(nonces.RecentNonces.is_first_use, lambda *_, **__: True),
    ),
    "I9": Sabotage(
        why="what a caller accepts is not looked at",
        apply=lambda: replaced(exchange.web.reading.choose_media, _whatever_is_accepted),
    ),
    "I7": Sabotage(
        why="the body is not compared with what was signed",
        apply=lambda: _both((signatures._check_digest, _nothing), (keys.check_signature, _nothing)),
    ),
    "I8": Sabotage(
        why="unsigned usage is taken, and the header is not compared with the body",
        apply=lambda: _both(
            (signatures._check_coverage, _nothing),
            (gateway.parse._read_header, lambda _: None),
        ),
    ),
    "I10": Sabotage(
        why="any path is taken",
        apply=lambda: _both((signatures.check_path, _nothing), (keys.check_signature, _nothing)),
    ),
    "I11": Sabotage(
        why="every receipt proves every answer",
        apply=lambda: replaced(audit.verify.verify_receipt, _all_is_well),
    ),
    "I13": Sabotage(
        why="an operator's invention counts as signed by the consumer",
        apply=lambda: replaced(keys.check_signature, _nothing),
    ),
    "I14": Sabotage(
        why="a plain bearer passes for a proven caller",
        apply=lambda: replaced(tokens.Accessed, _proven),
    ),
    "I16": Sabotage(
        why="no change is noticed: every signature holds",
        apply=lambda: replaced(keys.check_signature, _nothing),
    ),
}
