"""An import of entries over the management API: looked at without a digest, taken with the one looked at."""

from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import strawberry

from exchange.api.guard import Asking, ManagementError
from exchange.api.types import made
from exchange.files.uploads import Uploads

Perform = Callable[..., Awaitable[Any]]


@strawberry.type
class ChangedField:
    field: str
    item: str
    before: str | None
    after: str | None


@strawberry.type
class EntryChange:
    """What becomes of one entry: added, changed or missing from the file."""

    code: str
    name: str
    change: str
    fields: list[ChangedField]


@strawberry.type
class NotTaken:
    file: str
    sheet: str
    row: int
    column: str
    code: str
    found: str
    needed: str


@strawberry.type
class ImportedEntries:
    added: int
    changed: int
    unchanged: int
    missing: int
    differences: list[EntryChange]
    not_taken: list[NotTaken]
    notes: list[str]
    looked_at: str
    """What the same file is sent with to be taken."""
    committed: bool


async def imported(
    perform: Perform,
    asking: Asking,
    *,
    file: str,
    content: str,
    kind: str | None,
    encoding: str | None,
    looked_at: str | None,
) -> ImportedEntries:
    """Look a file over, or take it where `looked_at` says what was looked at; `content` is base64."""
    try:
        held = b64decode(content, validate=True)
    except ValueError:
        raise ManagementError(
            "ACT_ARGUMENTS", english=asking.english, detail="content: base64 needed"
        ) from None
    asked = {"file": file[:120], "kind": kind or "", "encoding": encoding or ""}
    upload = str((await perform("file.offer"))["upload"])
    Uploads(asking.node.files).write(upload, held)
    try:
        if looked_at is None:
            told = await perform("catalogue.preview-import", upload=upload, asked=asked)
        else:
            told = await perform(
                "catalogue.import", upload=upload, asked=asked, looked_at=looked_at
            )
    finally:
        await perform("file.drop", upload=upload)
    return _made(told)


def _made(told: Mapping[str, Any]) -> ImportedEntries:
    differences = [
        made(
            EntryChange,
            one | {"fields": [made(ChangedField, _texts(field)) for field in one["fields"]]},
        )
        for one in told["differences"]
    ]
    return made(
        ImportedEntries,
        {
            **told["counts"],
            "differences": differences,
            "not_taken": [made(NotTaken, one) for one in told["not_taken"]],
            "notes": told["notes"],
            "looked_at": told["looked_at"],
            "committed": told["committed"],
        },
    )


def _texts(field: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a field differ in kind: they are told as texts."""
    return dict(field) | {
        name: None if field[name] is None else str(field[name]) for name in ("before", "after")
    }
