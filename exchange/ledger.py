"""Translates the catalogue's acts into entries of the log: the catalogue knows no log, the log no act."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from audit.entry import Commit, Draft, IndexRow, Nonce, RowDigest
from audit.errors import LogUnavailableError
from audit.log import Log
from catalogue.ports import Act, UnrecordableError
from gateway.errors import RefusedRequestError

VOID = "act-void"
_REQUEST_NONCE: ContextVar[Nonce | None] = ContextVar("request_nonce", default=None)
_APPENDED: ContextVar[list[int] | None] = ContextVar("appended", default=None)


@contextmanager
def spending(nonce: Nonce) -> Iterator[list[int]]:
    """Within it, the first act appended uses the request's nonce up, in the act's own batch.

    Yields the indexes appended so far, so that the caller can see whether there was an act at all.
    """
    appended: list[int] = []
    token = _REQUEST_NONCE.set(nonce)
    indexes = _APPENDED.set(appended)
    try:
        yield appended
    finally:
        _REQUEST_NONCE.reset(token)
        _APPENDED.reset(indexes)


class LedgerDownError(LogUnavailableError, UnrecordableError):
    """The log's word for it, and the registry's: told outside as any log that is down."""


class LogLedger:
    """Implements `catalogue.ports.Ledger` on the node's log. Blocks; never call it on the loop.

    To the registry an act has a number that runs through all shards of the log: its index, and before that
    the entries of earlier shards.
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    def append(self, act: Act) -> int:
        try:
            return self._log.before + append_spending(self._log, draft_of(act))
        except LogUnavailableError as error:
            raise LedgerDownError(str(error)) from error

    def void(self, index: int, *, reason: str) -> int:
        draft = Draft(
            kind=VOID,
            clear={"voids": index - self._log.before},
            commits=(Commit(name="reason", value=reason),),
            barrier=True,
        )
        return self._log.before + self._log.append(draft).index

    def digest(self, table: str, key: str) -> tuple[int, str | None] | None:
        return self._log.registry_rows().get((table, key))

    def rows(self) -> Mapping[tuple[str, str], tuple[int, str | None]]:
        return self._log.registry_rows()


def append_spending(log: Log, draft: Draft) -> int:
    """Append; the first time within `spending` the request's nonce is used up with it."""
    appended = _APPENDED.get()
    nonce = _REQUEST_NONCE.get() if not appended else None
    index = append_once(log, draft, nonce=nonce)
    if appended is not None:
        appended.append(index)
    return index


def append_once(log: Log, draft: Draft, *, nonce: Nonce | None) -> int:
    """Append, using the nonce up in the same batch; a second time only the replay is recorded.

    Raises RefusedRequestError REPLAYED then.
    """
    if nonce is None:
        return log.append(draft).index
    replayed = msgspec.structs.replace(
        draft,
        kind="replay.refused",
        clear={**draft.clear, "refused": draft.kind, "code": "REPLAYED"},
        rows=(),
        barrier=False,
    )
    sequenced = log.append(
        msgspec.structs.replace(draft, nonce=nonce, otherwise={"replayed": replayed})
    )
    if sequenced.instead is not None:
        raise RefusedRequestError("REPLAYED")
    return sequenced.index


def draft_of(act: Act) -> Draft:
    """An act's entry: codes and states in the clear, who and why as commitments."""
    commits = [Commit(name="officer", value=act.actor)]
    commits += [Commit(name=name, value=value) for name, value in sorted(act.private.items())]
    if act.case is not None and "case" not in act.private:
        commits.append(Commit(name="case", value=act.case))
    return Draft(
        kind=act.kind,
        clear={
            "department": act.department,
            "auth": act.auth,
            "facts": dict(act.facts),
            **({"sealed": True} if act.sealed else {}),
        },
        commits=tuple(commits),
        rows=tuple(RowDigest(table=row.table, key=row.key, digest=row.digest) for row in act.rows),
        index=(
            IndexRow(
                consumer=act.department,
                provider=str(act.facts.get("provider", "")),
                resource=str(act.facts.get("resource", "")),
                matter=str(act.facts.get("matter", "")),
                officer=act.actor,
                case=act.case,
            ),
        ),
        barrier=act.narrowing,
    )
