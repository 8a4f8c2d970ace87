"""Translates the catalogue's acts into entries of the log: the catalogue knows no log, the log no act."""

from collections.abc import Mapping

from audit.log import Log

from audit.entry import Commit, Draft, IndexRow, RowDigest
from catalogue.ports import Act

VOID = "act-void"


class LogLedger:
    """Implements `catalogue.ports.Ledger` on the node's log. Blocks; never call it on the loop."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def append(self, act: Act) -> int:
        return self._log.append(draft_of(act)).index

    def void(self, index: int, *, reason: str) -> int:
        draft = Draft(
            kind=VOID,
            clear={"voids": index},
            commits=(Commit(name="reason", value=reason),),
            barrier=True,
        )
        return self._log.append(draft).index

    def digest(self, table: str, key: str) -> tuple[int, str | None] | None:
        return self._log.registry_rows().get((table, key))

    def rows(self) -> Mapping[tuple[str, str], tuple[int, str | None]]:
        return self._log.registry_rows()


def draft_of(act: Act) -> Draft:
    """An act's entry: codes and states in the clear, who and why as commitments."""
    commits = [Commit(name="officer", value=act.actor)]
    commits += [Commit(name=name, value=value) for name, value in sorted(act.private.items())]
    if act.case is not None:
        commits.append(Commit(name="case", value=act.case))
    return Draft(
        kind=act.kind,
        clear={"department": act.department, "auth": act.auth, "facts": dict(act.facts)},
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
