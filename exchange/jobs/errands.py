"""What is done a page at a time, and how its pages add up: the same for a command and for a job."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.merkle import TILE_WIDTH
from catalogue.model import Role

Said = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Where an errand stands after a page."""

    said: Said
    """What all pages said until then, as one."""
    place: Said | None
    """What the following page is asked with besides; None: this was the last."""
    done: int
    total: int


Fold = Callable[[Said | None, Said], Turn]
"""Adds a page to what was said before; None before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One act that is carried out page by page."""

    act: str
    begins: frozenset[Role]
    """Who may have it carried out, as the act itself asks: any of these."""
    reads: frozenset[Role]
    """Who is shown how far it is, and what came of it."""
    tells_of_entries: bool
    """Whether its result says what stands in entries: then who looks at it is recorded."""
    fold: Fold


def archived(before: Said | None, page: Said) -> Turn:
    """Add up pages of `archive.run` or `archive.restore`.

    A page that was done and not noted is counted all the same: what is left says so.
    """
    had, known = (0, 0) if before is None else (before["bundles"], before["of"])
    of = max(known, had + page["bundles"] + page["left"])
    bundles = of - page["left"]
    said = {"bundles": bundles, "entries": bundles * TILE_WIDTH, "of": of}
    said |= {"folder": page["folder"]} if "folder" in page else {}
    return Turn(said=said, place={} if page["left"] else None, done=bundles, total=of)


def replayed(before: Said | None, page: Said) -> Turn:
    """Add up pages of `policy.replay`."""
    first = page["first"] if before is None else before["first"]
    last = page["next"] is None
    missing = Counter({} if before is None else before["without_bundle"])
    missing.update(page["without_bundle"])
    said: Said = {"first": first, "end": page["end"]}
    for name in ("calls", "equal", "unanswered", "different", "unreadable"):
        said[name] = page[name] + (0 if before is None else before[name])
    said |= {
        "seconds": page["seconds"] + (0.0 if before is None else before["seconds"]),
        "without_bundle": dict(missing),
        "holds": page["holds"] and (before is None or before["holds"]),
        "differing": [*([] if before is None else before["differing"]), *page["differing"]],
        "lost": [*([] if before is None else before["lost"]), *page["lost"]],
    }
    return Turn(
        said=said,
        place=None if last else {"after": page["next"], "end": page["end"]},
        done=(page["end"] if last else page["next"]) - first,
        total=page["end"] - first,
    )


def checked(_before: Said | None, page: Said) -> Turn:
    """`audit.fsck` has one page: the whole shard."""
    return Turn(said=page, place=None, done=page["size"], total=page["size"])


ERRANDS: Mapping[str, Errand] = {
    "archive": Errand(
        act="archive.run",
        begins=frozenset({Role.ADMINISTRATOR}),
        reads=frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
        tells_of_entries=False,
        fold=archived,
    ),
    "replay": Errand(
        act="policy.replay",
        begins=frozenset({Role.AUDITOR, Role.POLICY_APPROVER}),
        reads=frozenset({Role.AUDITOR, Role.POLICY_APPROVER}),
        tells_of_entries=True,
        fold=replayed,
    ),
    "check": Errand(
        act="audit.fsck",
        begins=frozenset({Role.AUDITOR}),
        reads=frozenset({Role.AUDITOR}),
        tells_of_entries=True,
        fold=checked,
    ),
}
"""What the serving process carries out when it is asked to, by name."""

LISTED = 200
"""Findings that a job keeps of each kind; how many there were stands in its counts."""


def kept(said: Said) -> Said:
    """Return what a job keeps of a result: counts whole, lists as far as people read them."""
    return {
        name: value[:LISTED] if isinstance(value, list) else value for name, value in said.items()
    }
