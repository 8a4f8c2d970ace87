"""Sabotages of the log's formats, proofs and stand-alone verifier."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from audit import canonical, verify
from tests.sabotage.kit import Sabotage, replaced


def _unsalted(_: bytes, *committed: bytes) -> bytes:
    """Hash what is committed to as ever, but for the salt that stands first."""
    return hashlib.sha256(b",".join(committed)).digest()


def _included(receipt: Any, *, root: bytes) -> verify.Finding:
    return verify.Finding(code="LEAF_INCLUDED", index=receipt.index)


def _nothing_found(*_: Any, **__: Any) -> list[verify.Finding]:
    return []


@contextmanager
def _all(*patches: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch())
        yield


SABOTAGES: dict[str, Sabotage] = {
    "L1": Sabotage(
        why="the verifier finds nothing in stored entries and tiles",
        apply=lambda: _all(
            lambda: replaced(verify.check_entries, _nothing_found),
            lambda: replaced(verify.check_tiles, _nothing_found),
        ),
    ),
    "L8": Sabotage(
        why="the verifier does not look for copies",
        apply=lambda: replaced(verify.check_entries, _nothing_found),
    ),
    "L9": Sabotage(
        why="the verifier takes every entry for a leaf of the tree",
        apply=lambda: replaced(verify._check_leaf, _included),
    ),
    "L10": Sabotage(
        why="commitments bind nothing and the verifier takes every opening",
        apply=lambda: _all(
            lambda: replaced(canonical.digest_written, lambda *_: bytes(32)),
            lambda: replaced(
                canonical.digest_salted_each, lambda salted: [bytes(32) for _ in salted]
            ),
            lambda: replaced(verify._check_openings, _nothing_found),
            lambda: replaced(verify._commits_to, lambda *_: True),
        ),
    ),
    "L18": Sabotage(
        why="commitments leave out their salt",
        apply=lambda: _all(
            lambda: replaced(canonical.digest_written, _unsalted),
            lambda: replaced(
                canonical.digest_salted_each, lambda salted: [_unsalted(*one) for one in salted]
            ),
        ),
    ),
    "I12": Sabotage(
        why="the verifier takes every proof",
        apply=lambda: replaced(verify._check_leaf, _included),
    ),
}
