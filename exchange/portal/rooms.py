"""What the rooms of departments and halls have in common: names for codes, and plain words for terms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from catalogue.deputies import standing_for
from catalogue.errors import CatalogueError
from catalogue.flaws import Flaw
from catalogue.model import Actor, Resource, Role
from catalogue.snapshot import Snapshot
from exchange.acts.register import ActError, perform
from exchange.node import Node
from exchange.portal.forms import Errors, Form
from exchange.portal.render import language_of
from exchange.web.problems import code_of
from exchange.words import words_of
from gateway.errors import SourceError

CLASSES = ("unconditional", "conditional", "not-shared")
MASKS = ("none", "name", "id", "phone", "tail4", "address", "year", "null")


@dataclass(frozen=True, slots=True)
class Part:
    """A shard of the log as a list offers it."""

    name: str
    """`first` for the first of all; empty for the one that is written."""


def shards_of(node: Node) -> list[Part]:
    """Return the parts of the log to choose from, the one that is written first."""
    older = [Part(one.shard.called) for one in reversed(node.older)]
    return [Part(""), *older]


def shard_asked(request: Request) -> str:
    """Return which part of the log an address names; empty for the one that is written."""
    return request.query_params.get("shard", "").strip()


@dataclass(frozen=True, slots=True)
class Names:
    """Names for the codes that acts speak in, in the reader's language; the code where there is no name."""

    snapshot: Snapshot
    language: str

    def department(self, code: str) -> str:
        held = self.snapshot.departments.get(code)
        if held is None:
            return code
        return held.name_en or held.name if self.language == "en" else held.name

    def departments(self, codes: Iterable[str], *, besides: str = "") -> list[tuple[str, str]]:
        """Codes with their names, each once and in the order of the names, for a filter."""
        told = [(code, self.department(code)) for code in set(codes) if code not in {"", besides}]
        return sorted(told, key=lambda one: one[1])

    def resource(self, code: str) -> str:
        held = self.snapshot.resources.get(code)
        if held is None:
            return code
        return title(held, self.language)

    def items(self, code: str, names: Iterable[str]) -> list[str]:
        held = self.snapshot.resources.get(code)
        titles = {} if held is None else {item.name: item.title for item in held.items}
        return [titles.get(name, name) for name in names]

    def matter(self, code: str) -> str:
        held = self.snapshot.matters.get(code)
        return code if held is None else held.name

    def matters(self, codes: Iterable[str]) -> list[str]:
        return [self.matter(code) for code in codes]

    def system(self, code: str) -> str:
        held = self.snapshot.systems.get(code)
        return code if held is None else held.name

    def officer(self, key: str | None) -> str:
        """Empty where there is nobody; the law itself where an act was automatic."""
        held = self.snapshot.officers.get(key or "")
        return held.name if held is not None else ""


def title(resource: Resource, language: str) -> str:
    return resource.name_en or resource.name if language == "en" else resource.name


def moment(text: str, zone: ZoneInfo) -> str:
    """Write a time of an act as the reader's clock shows it."""
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def day(text: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d")


def grant_told(held: Mapping[str, Any], names: Names, zone: ZoneInfo) -> dict[str, Any]:
    """A grant as a table or a card shows it."""
    masks = held["masks"]
    return {
        "id": held["id"],
        "resource": held["resource"],
        "name": names.resource(held["resource"]),
        "provider": names.department(held["provider"]),
        "department": names.department(held["department"]),
        "systems": [names.system(one) for one in held["systems"]],
        "items": names.items(held["resource"], held["items"]),
        "masks": [
            (names.items(held["resource"], [item])[0], rule)
            for item, rule in masks.items()
            if rule != "none"
        ],
        "matters": names.matters(held["matters"]),
        "purposes": held["purposes"],
        "channels": held["channels"],
        "until": last_day(held["until"], zone).isoformat(),
        "state": held["state"],
        "request": held["request"],
        "revision": held["revision"],
        "resumes": moment(held["resumes_at"], zone) if held["resumes_at"] else "",
        "return_flow": names.items(held["resource"], [held["return_flow"]])[0]
        if held["return_flow"]
        else "",
        "ended_for": held["ended_for"] or "",
        "went_out": held["went_out"],
        "destroyed": held["destroyed"],
        "max_rows": held["max_rows"],
        "daily_quota": held["daily_quota"],
        "daily_rows": held["daily_rows"],
        "daily_subjects": held["daily_subjects"],
        "item_names": list(
            zip(held["items"], names.items(held["resource"], held["items"]), strict=True)
        ),
    }


_BUDGETS: Mapping[str, str] = {
    "quota": "daily_quota",
    "rows": "daily_rows",
    "subjects": "daily_subjects",
}
"""Fields by which a grant's budgets are typed, and what each bounds."""


def budgets_of(given: Form, errors: Errors) -> dict[str, int | None]:
    """Read the budgets of a grant that were typed; None where a field was left empty."""
    found: dict[str, int | None] = {}
    for field, bound in _BUDGETS.items():
        typed = given.get(field, "").strip()
        whole = typed.isascii() and typed.isdigit() and len(typed) <= 9
        if typed and not (whole and int(typed) >= 1):
            errors.at(field, "Enter a whole number of at least 1, or leave it empty")
        found[bound] = int(typed) if typed and whole else None
    return found


def request_told(held: Mapping[str, Any], names: Names, zone: ZoneInfo) -> dict[str, Any]:
    """A request as a line of a list shows it."""
    return {
        "id": held["id"],
        "resource": held["resource"],
        "name": names.resource(held["resource"]),
        "provider": names.department(held["provider"]),
        "department": names.department(held["department"]),
        "items": names.items(held["resource"], held["items"]),
        "matters": names.matters(held["matters"]),
        "scenario": held["scenario"],
        "state": held["state"],
        "created": moment(held["created_at"], zone),
        "clock": held["clock"],
        "basket": held["basket"],
        "acceptance": held["acceptance"],
    }


def card_told(held: Mapping[str, Any], names: Names, zone: ZoneInfo) -> dict[str, Any]:
    """A request whole, with what the law and the catalogue entry say about what is asked."""
    resource = names.snapshot.resources.get(held["resource"])
    known = {} if resource is None else {item.name: item for item in resource.items}
    return request_told(held, names, zone) | {
        "item_rows": [
            {
                "name": name,
                "title": known[name].title,
                "class": known[name].sharing_class.value,
                "level": known[name].level,
                "mask": known[name].mask,
            }
            for name in held["items"]
            if name in known
        ],
        "match": names.items(held["resource"], held["match"]),
        "systems": [names.system(one) for one in held["systems"]],
        "purposes": held["purposes"],
        "channels": held["channels"],
        "legal_basis": held["legal_basis"],
        "from": day(held["not_before"], zone),
        "until": last_day(held["not_after"], zone).isoformat(),
        "daily_quota": held["daily_quota"],
        "conditions": resource.conditions if resource is not None else "",
        "class": resource.sharing_class.value if resource is not None else "",
        "personal": resource.personal if resource is not None else False,
        "created_by": names.officer(held["created_by"]),
        "signed_by": names.officer(held["signed_by"]),
        "decided_by": names.officer(held["decided_by"]),
        "automatic": str(held["decided_by"] or "").startswith("rule:"),
        "refusal": held["refusal"],
        "refusal_code": held["refusal_code"],
        "refusal_basis": held["refusal_basis"],
        "supplement_asked": held["supplement_asked"],
        "supplement_given": held["supplement_given"],
        "entry": held["entry"],
        "grant": held["grant"],
        "volume": held["volume"],
        "attachments": held["attachments"],
        "returned": _said(held["returned"], zone),
        "contact": held["contact"],
        "withdrawn": _said(held["withdrawn"], zone),
        "ended": held["ended"]["text"] if held["ended"] else "",
        "moves": [
            {"from": names.department(one["provider"]), "text": one["text"]}
            for one in held["moves"]
        ],
        "extension": held["extension"],
        "overdue": held["overdue_at"] is not None,
        "delivered_entry": held["delivered_entry"],
        "handed_over": _said(held["handed_over"], zone),
        "delivered": moment(held["delivered_at"], zone) if held["delivered_at"] else "",
    }


def _said(said: Mapping[str, Any] | None, zone: ZoneInfo) -> dict[str, str] | None:
    return None if said is None else {"at": moment(said["at"], zone), "text": said["text"]}


def holds(actor: Actor, role: Role, snapshot: Snapshot, *, at: datetime) -> bool:
    """Whether somebody holds a post, or stands in for who holds it: both are shown its buttons."""
    acting, _standing = standing_for(
        actor, snapshot.deputies.values(), snapshot.officers.values(), at=at
    )
    return acting.has(role)


def names_for(request: Request) -> Names:
    """The names as of the picture that the page is made from; after `signed_in`."""
    return Names(request.state.snapshot, language_of(request))


def last_day(text: str, zone: ZoneInfo) -> date:
    """The last day on which something holds that ends at a moment: the moment itself holds no more."""
    return (datetime.fromisoformat(text) - timedelta(milliseconds=1)).astimezone(zone).date()


def ends_after(last: date, zone: ZoneInfo) -> datetime:
    """The first moment after a day where the exchange stands."""
    return datetime.combine(last + timedelta(days=1), time(), tzinfo=zone)


def starts_on(first: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day where the exchange stands."""
    return datetime.combine(first, time(), tzinfo=zone)


def read_day(text: str) -> date | None:
    """Read YYYY-MM-DD; None for anything else."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.isoformat() == text.strip() else None


def acted(node: Node, actor: Actor, name: str, /, **arguments: Any) -> Any:
    """Carry out one act as the signed-in officer. Blocks: called from a worker thread."""
    return perform(node, actor, name, arguments)


def told_findings(findings: Sequence[Flaw], language: str) -> str:
    """Return what was found, in brackets."""
    if language == "en":
        return f" ({'; '.join(findings)})"
    return f"（{'；'.join(one.zh for one in findings)}）"


async def tried(
    errors: Errors, request: Request, actor: Actor, name: str, /, **arguments: Any
) -> Any:
    """Carry out one act; one that is refused becomes an error of the page, and None is returned.

    What is not there, and a log that refuses, are no matter of the form and pass through.
    """
    try:
        return await run_in_threadpool(acted, request.app.state.node, actor, name, **arguments)
    except (CatalogueError, ActError, SourceError) as error:
        code = code_of(error)
        if code == "NOT_FOUND":
            raise
        note(errors, error)
        return None


def note(errors: Errors, error: Exception) -> None:
    """Say a refusal above the page, with what was found and its code."""
    code = code_of(error)
    words = words_of(code)
    said = words.en if errors.language == "en" else words.zh
    if isinstance(error, CatalogueError) and error.findings:
        said = f"{said}{told_findings(error.findings, errors.language)}"
    errors.by_field.setdefault("", f"{said} {code}")
