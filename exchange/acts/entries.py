"""Acts on entries of the catalogue: from the draft to the announcement and the withdrawal."""

from dataclasses import asdict

from catalogue import entries
from catalogue.classification import classify
from catalogue.compatibility import breaks, broken
from catalogue.examination import CheckKind, Conclusion, ReturnReason, unexamined
from catalogue.lifecycle import OWN_STATES, Registration
from catalogue.model import Actor, Item, Resource, Role
from catalogue.rows import GRANT, MATTER, RESOURCE
from catalogue.withdrawals import Impact, impact
from exchange.acts.held import acting
from exchange.acts.listing import FIRST, Span, Told, cut, paged
from exchange.acts.loads import due_on
from exchange.acts.register import ActError, act
from exchange.acts.sources import flag_of
from exchange.node import Node


@act("resource.draft")
def draft_resource(node: Node, actor: Actor, *, resource: Resource) -> dict[str, object]:
    held = node.registry.draft_resource(resource, by=actor)
    return {"code": held.code, "revision": held.revision, "state": held.state}


@act("resource.examine")
def examine_resource(
    node: Node,
    actor: Actor,
    *,
    code: str,
    kind: CheckKind,
    conclusion: Conclusion,
    file: str,
    digest: str,
    words: str = "",
) -> Told:
    """Keep what came of a check of a draft by its department: of secrets, or of personal information.

    `digest` is the SHA-256 of the file with the conclusion, hex; the department keeps the file itself.
    """
    held = node.registry.examine_resource(
        code, kind, conclusion, words=words, file=file, digest=digest, by=actor
    )
    drafted = held.latest
    return {
        "code": code,
        "state": drafted.resource.state,
        "missing": list(unexamined(drafted.resource, drafted.course)),
    }


@act("resource.return")
def return_resource(
    node: Node, actor: Actor, *, code: str, reasons: list[ReturnReason]
) -> dict[str, object]:
    """Give a draft (its head) or a signed entry (the authority) back, with all reasons at once."""
    held = node.registry.return_resource(code, reasons, by=actor).latest.resource
    return {"code": held.code, "state": held.state}


@act("resource.submit")
def submit_resource(node: Node, actor: Actor, *, code: str) -> dict[str, object]:
    held = node.registry.submit_resource(code, by=actor)
    return {"code": held.code, "state": held.state}


@act("resource.announce")
def announce_resource(node: Node, actor: Actor, *, code: str) -> dict[str, object]:
    held = node.registry.announce_resource(code, by=actor)
    return {"code": held.code, "state": held.state}


@act("resource.drop-revision")
def drop_revision(node: Node, actor: Actor, *, code: str) -> dict[str, object]:
    """Give up the revision that one's own department prepares; what is announced stands."""
    held = node.registry.drop_revision(code, by=actor).resource
    return {"code": held.code, "revision": held.revision, "state": held.state}


@act("resource.check")
def check_resource(node: Node, actor: Actor, *, code: str) -> Told:
    """What announcing the entry would break of the revision before: items, grants, trusted documents."""
    held = node.held(RESOURCE).get(code)
    if held is None or not _may_see_course(acting(node, actor), held.resource):
        raise ActError("NOT_FOUND", f"no resource {code} of your department")
    drafted = held.latest
    if drafted.before is None:
        return {"code": code, "before": None, "breaks": [], "grants": []}
    found = breaks(drafted.before, drafted.resource)
    hit = broken(found, code, node.held(GRANT).values())
    return {
        "code": code,
        "before": drafted.before.revision,
        "breaks": [asdict(one) for one in found],
        "grants": [asdict(one) for one in hit],
    }


@act("resource.withdraw")
def withdraw_resource(
    node: Node, actor: Actor, *, code: str, reason: str = "", seen: str | None = None
) -> Told:
    """Withdraw an announced entry. `seen` is the mark of the list of what it hits, if one was shown."""
    made = node.registry.withdraw_resource(code, by=actor, reason=reason, seen=seen)
    return {
        "code": code,
        "state": "withdrawn",
        "notified": [one for one in made.impact.departments if one != made.department],
        **_impact(made.impact),
    }


@act("resource.impact")
def show_impact(node: Node, actor: Actor, *, code: str) -> Told:
    """What withdrawing an entry would hit, for its department and the authority: grants and matters."""
    held = node.held(RESOURCE).get(code)
    if held is None or not _may_see_course(acting(node, actor), held.resource):
        raise ActError("NOT_FOUND", f"no resource {code} of your department")
    found = impact(
        held.resource,
        grants=node.held(GRANT).values(),
        matters=node.held(MATTER).values(),
        at=node.ports.now(),
    )
    return {"code": code, "state": held.resource.state, **_impact(found)}


@act("resource.list")
def list_resources(
    node: Node,
    actor: Actor,
    *,
    department: str | None = None,
    state: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Announced resources, and one's own department's drafts, in the order of their codes."""
    held = {code: registration.resource for code, registration in node.held(RESOURCE).items()}
    fit = {
        code: resource
        for code, resource in held.items()
        if (resource.state not in OWN_STATES or resource.department == actor.department)
        and department in {None, resource.department}
        and state in {None, resource.state}
    }
    return paged(cut(fit, Span(first=first, after=after, before=before)), _line)


@act("resource.show")
def show_resource(
    node: Node, actor: Actor, *, code: str, prepared: bool = False
) -> dict[str, object]:
    """One entry. With `prepared`, its next revision instead, for its department and the authority."""
    held = node.held(RESOURCE).get(code)
    if held is None or (
        held.resource.state in OWN_STATES and held.resource.department != actor.department
    ):
        raise ActError("ACT_ARGUMENTS", f"no resource {code}")
    may_see = _may_see_course(acting(node, actor), held.resource)
    if prepared and (held.prepared is None or not may_see):
        raise ActError("NOT_FOUND", f"no revision of {code} is being prepared that concerns you")
    resource = held.latest.resource if prepared else held.resource
    return {
        "code": resource.code,
        "name": resource.name,
        "name_en": resource.name_en,
        "department": resource.department,
        "class": resource.sharing_class.value,
        "conditions": resource.conditions,
        "no_share_basis": list(resource.no_share_basis),
        "state": resource.state,
        "revision": resource.revision,
        "flag": flag_of(node, code),
        "due": due_on(node, resource),
        **_metadata(resource),
        **(_course(held) if may_see else {}),
        "items": [_item(item) for item in resource.items],
    }


def _line(held: Resource) -> Told:
    return {
        "code": held.code,
        "department": held.department,
        "name": held.name,
        "class": held.sharing_class.value,
        "field": held.field_name,
        "items": len(held.items),
        "state": held.state,
        "revision": held.revision,
    }


def _metadata(resource: Resource) -> Told:
    """The core metadata, and what of it nobody filled in yet."""
    place = classify(resource.code)
    told = {name: getattr(resource, name) for name in METADATA}
    return told | {
        "classification": [] if place is None else list(place.prefixes),
        "personal": entries.holds_personal(resource),
        "gaps": list(entries.gaps(resource)),
    }


def _impact(found: Impact) -> Told:
    return {
        "grants": [asdict(one) for one in found.grants],
        "matters": [asdict(one) for one in found.matters],
        "departments": list(found.departments),
        "seen": found.mark,
    }


def _may_see_course(actor: Actor, resource: Resource) -> bool:
    return resource.department == actor.department or actor.has(Role.AUTHORITY)


def _course(held: Registration) -> Told:
    """The checks and returns of an entry, for its department and the authority.

    They are those of the revision that is being prepared, where there is one.
    """
    drafted, course = held.latest.resource, held.latest.course
    return {
        "secrecy": course.secrecy,
        "assessment": course.assessment,
        "returns": course.returns,
        "unexamined": list(unexamined(drafted, course)),
        "prepared": None
        if held.prepared is None
        else {"revision": drafted.revision, "state": drafted.state},
    }


METADATA = (
    "abstract",
    "level",
    "purposes",
    "keywords",
    "format",
    "format_name",
    "methods",
    "recipients",
    "openness",
    "open_conditions",
    "update_cycle",
    "update_days",
    "published_on",
    "related",
    "data_class",
    "base_data",
    "distributions",
    "contact",
    "upstream",
)
"""Members of an entry that stand in what is told as they stand in the model."""


def _item(item: Item) -> dict[str, object]:
    return {
        "name": item.name,
        "title": item.title,
        "graphql": item.graphql_name,
        "type": item.type.value,
        "class": item.sharing_class.value,
        "level": item.level,
        "mask": item.mask,
        "subject": item.subject.value if item.subject else None,
        "key": item.key,
        "match": item.match,
        "unit": item.unit,
        "title_en": item.title_en,
        "description": item.description,
        "length": item.length,
        "data_element": item.data_element,
        "code_list": item.code_list,
        "codes": item.codes,
        "sensitivity": item.sensitivity.value,
        "basic": item.basic,
        "thresholds": list(item.thresholds),
    }
