"""Who may do what, and how departments' people, keys, sources and resources come and go. Decides only."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from catalogue.compatibility import kept_names, name_conflicts
from catalogue.errors import (
    DuplicateError,
    InvalidError,
    NotAllowedError,
    OwnRequestError,
    SeparatedRolesError,
    StateError,
)
from catalogue.examination import (
    NOTHING_YET,
    Check,
    Course,
    ReturnReason,
    carried_on,
    examined,
    given_back,
    unexamined,
)
from catalogue.flaws import Flaw
from catalogue.model import (
    SEPARATED,
    Actor,
    KeptName,
    Officer,
    Resource,
    Role,
    SharingClass,
    SourceAddress,
)

OWN_STATES = frozenset({"draft", "returned"})
"""States of an entry that its own department alone sees."""
WAITING = "waiting"
"""State of a source that nothing is read from yet: its department has not said how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Lets whoever holds the code register one key for one system, once. Only the code's hash is kept."""

    id: str
    system: str
    code_hash: str
    """SHA-256, hex."""
    expires: datetime
    state: str = "open"
    """open or used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOfficer:
    """An officer before an id is given."""

    department: str
    staff_number: str
    name: str
    post: str = ""
    roles: frozenset[Role] = frozenset()
    clearance: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A resource and the people who brought it where it is, so that nobody checks their own work."""

    resource: Resource
    drafted_by: str
    signed_by: str | None = None
    """Head of the department; None until signed off."""
    announced_by: str | None = None
    """Officer of the authority; None until announced."""
    names: tuple[KeptName, ...] | None = None
    """Of every item of the revisions announced before this one; None: there was none."""
    before: Resource | None = None
    """The revision announced last before this one; None: there was none."""
    course: Course = NOTHING_YET
    prepared: "Registration | None" = None
    """The revision that is being prepared while this one stands; None: there is none."""

    @property
    def latest(self) -> "Registration":
        """What is drafted, signed and given back: the revision that is being prepared, where there is one."""
        return self.prepared or self


def require_officer(by: Actor) -> Officer:
    """Return the acting officer, who is active and no auditor: auditors look and change nothing."""
    if by.officer is None:
        raise NotAllowedError("ROLE_MISSING", "the act of a system, an officer's needed")
    if by.officer.state != "active":
        raise NotAllowedError("ROLE_MISSING", f"officer {by.officer.id} is {by.officer.state}")
    if by.has(Role.AUDITOR):
        raise NotAllowedError("AUDITOR_CHANGES_NOTHING")
    return by.officer


def require_role(by: Actor, *roles: Role, department: str | None = None) -> Officer:
    """Return the acting officer if they hold one of the roles, in that department where one is named."""
    officer = require_officer(by)
    if not officer.roles & set(roles):
        raise NotAllowedError("ROLE_MISSING", f"needs the role {' or '.join(roles)}")
    if department is not None and officer.department != department:
        raise NotAllowedError("ROLE_MISSING", f"needs an officer of department {department}")
    return officer


def require_decider(by: Actor, *roles: Role, department: str | None = None) -> Officer:
    """Like `require_role`, for acts that approve or decide: an administrator never does."""
    if by.has(Role.ADMINISTRATOR):
        raise NotAllowedError("ADMINISTRATOR_DECIDES_NOTHING")
    return require_role(by, *roles, department=department)


def require_other(officer: Officer, *chain: str | None) -> None:
    """Raise OwnRequestError where the officer is one of those whose act is being checked."""
    if officer.id in chain:
        raise OwnRequestError(f"officer {officer.id} acted on this before; another one is needed")


def check_roles(roles: frozenset[Role]) -> frozenset[Role]:
    """Return the roles. Raises SeparatedRolesError where one person would hold two that check each other.

    A supervisor stands outside: whoever reviews others holds no role in which they could be reviewed.
    """
    if Role.SUPERVISOR in roles and len(roles) > 1:
        raise SeparatedRolesError("a supervisor with another role in one person")
    separated = sorted(roles & SEPARATED)
    if len(separated) > 1:
        raise SeparatedRolesError(f"{' and '.join(separated)} in one person")
    return roles


def assign_roles(officer: Officer, roles: frozenset[Role], *, by: Actor) -> Officer:
    administrator = require_role(by, Role.ADMINISTRATOR)
    if administrator.id == officer.id:
        raise NotAllowedError("OWN_ROLES")
    return replace(officer, roles=check_roles(roles))


def loses_roles(before: Officer, after: Officer) -> bool:
    return bool(before.roles - after.roles) or after.clearance < before.clearance


def use_invitation(invitation: Invitation, *, at: datetime) -> Invitation:
    if invitation.state != "open":
        raise StateError(f"the invitation is {invitation.state}", code="INVITATION_INVALID")
    if at >= invitation.expires:
        raise StateError("the invitation has expired", code="INVITATION_INVALID")
    return replace(invitation, state="used")


def accept_source(
    old: SourceAddress | None, new: SourceAddress, *, by: Actor, announced: bool
) -> SourceAddress:
    """Decide on a new or changed address.

    The owning department names its sources. Once an announced resource stands on one, a change needs the
    authority, which has announced what the old address gives.
    """
    if old is not None and old.department != new.department:
        raise InvalidError(Flaw("a source stays with its department"))
    if announced:
        require_decider(by, Role.AUTHORITY)
    else:
        require_decider(by, Role.OPERATOR, Role.HEAD, department=new.department)
    return new


def draft(resource: Resource, *, by: Actor, before: Registration | None) -> Registration:
    """Return the draft; a withdrawn resource comes back as a new revision of itself.

    What is announced stands as it is until its next revision is announced, which is prepared beside it.
    """
    officer = require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    revision, names, last, course = 1, None, None, NOTHING_YET
    if before is not None and (before.resource.state == "announced" or before.prepared):
        return _prepare(resource, officer, before)
    if before is not None:
        old = before.resource
        course = carried_on(before.course, old, resource)
        names, last = before.names, before.before
        if old.state == "withdrawn":
            names, last = kept_names(names or (), old.items), old
        conflicts = list(name_conflicts(names or (), resource.items))
        if conflicts:
            raise InvalidError(*conflicts)
        _check_same(old, resource)
        revision = old.revision + (old.state == "withdrawn")
    return Registration(
        resource=replace(resource, state="draft", revision=revision),
        drafted_by=officer.id,
        names=names,
        before=last,
        course=course,
    )


def _prepare(resource: Resource, officer: Officer, before: Registration) -> Registration:
    standing, last = before.resource, before.latest
    names = kept_names(before.names or (), standing.items)
    conflicts = list(name_conflicts(names, resource.items))
    if conflicts:
        raise InvalidError(*conflicts)
    _check_same(standing, resource)
    drafted = Registration(
        resource=replace(resource, state="draft", revision=standing.revision + 1),
        drafted_by=officer.id,
        names=names,
        before=standing,
        course=carried_on(last.course, last.resource, resource),
    )
    return replace(before, prepared=drafted)


def _check_same(old: Resource, new: Resource) -> None:
    if old.department != new.department:
        raise DuplicateError(f"resource {old.code} of another department")
    if (old.type_name, old.field_name, old.list_name) != (
        new.type_name,
        new.field_name,
        new.list_name,
    ):
        raise InvalidError(Flaw("the GraphQL names of resource {0} are kept for ever", old.code))


def said_restored(registration: Registration, revision: int) -> Registration:
    """Say of the draft that its content is an older revision's."""
    if registration.prepared is not None:
        return replace(registration, prepared=said_restored(registration.prepared, revision))
    return replace(registration, course=replace(registration.course, restored_from=revision))


def drop_prepared(registration: Registration, *, by: Actor) -> Registration:
    """Give up the revision that is being prepared; what is announced stands."""
    resource = registration.resource
    require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    if registration.prepared is None:
        raise StateError(f"no revision of resource {resource.code} is being prepared")
    return replace(registration, prepared=None)


def examine(registration: Registration, check: Check, *, by: Actor) -> Registration:
    """Keep what came of a check by the entry's own department."""
    if registration.prepared is not None:
        return replace(registration, prepared=examine(registration.prepared, check, by=by))
    resource = registration.resource
    require_decider(by, Role.OPERATOR, Role.HEAD, department=resource.department)
    _require_state(resource, "draft")
    return replace(registration, course=examined(registration.course, check))


def give_back(
    registration: Registration, reasons: Iterable[ReturnReason], *, by: Actor, at: datetime
) -> Registration:
    """Return the entry for correction: a draft by its own head, a signed one by the authority."""
    if registration.prepared is not None:
        returned = give_back(registration.prepared, reasons, by=by, at=at)
        return replace(registration, prepared=returned)
    resource = registration.resource
    if resource.state == "draft":
        officer = require_decider(by, Role.HEAD, department=resource.department)
        require_other(officer, registration.drafted_by)
    else:
        officer = require_decider(by, Role.AUTHORITY)
        require_other(officer, registration.drafted_by, registration.signed_by)
        _require_state(resource, "submitted")
    return replace(
        registration,
        resource=replace(resource, state="returned"),
        signed_by=None,
        course=given_back(registration.course, resource, reasons, by=officer, at=at),
    )


def submit(registration: Registration, *, by: Actor) -> Registration:
    if registration.prepared is not None:
        return replace(registration, prepared=submit(registration.prepared, by=by))
    resource = registration.resource
    officer = require_decider(by, Role.HEAD, department=resource.department)
    require_other(officer, registration.drafted_by)
    _require_state(resource, "draft")
    findings = [*unexamined(resource, registration.course)]
    if findings:
        raise InvalidError(*findings, code="ENTRY_UNEXAMINED")
    return replace(
        registration, resource=replace(resource, state="submitted"), signed_by=officer.id
    )


def announce(registration: Registration, *, by: Actor, on: date) -> Registration:
    """Announce what was signed; a revision that was prepared takes the place of what stood until now."""
    if registration.prepared is not None:
        return _offered_still(announce(registration.prepared, by=by, on=on), registration.resource)
    resource = registration.resource
    officer = require_decider(by, Role.AUTHORITY)
    require_other(officer, registration.drafted_by, registration.signed_by)
    _require_state(resource, "submitted")
    return replace(
        registration,
        resource=replace(resource, state="announced", published_on=resource.published_on or on),
        announced_by=officer.id,
    )


def _offered_still(announced: Registration, before: Resource) -> Registration:
    """What was announced for emergencies stays so, as far as the revision has it."""
    if before.emergency_items is None:
        return announced
    names = {item.name for item in announced.resource.items}
    offered = tuple(name for name in before.emergency_items if name in names)
    return replace(announced, resource=replace(announced.resource, emergency_items=offered or None))


def take_over(resource: Resource, *, by: Actor) -> Registration:
    """Return the entry of a published catalogue as announced by the authority alone.

    One officer stands where three do for a department's own announcement, so nothing is opened by it: each
    item is conditional at least, and the department's head still has to agree to every grant.
    """
    officer = require_decider(by, Role.AUTHORITY)
    open_items = [
        item.name for item in resource.items if item.sharing_class is SharingClass.UNCONDITIONAL
    ]
    if open_items or resource.sharing_class is SharingClass.UNCONDITIONAL:
        raise InvalidError(
            Flaw("resource {0}: listed by others, it must be conditional", resource.code)
        )
    return Registration(
        resource=replace(resource, state="announced", revision=1),
        drafted_by=officer.id,
        announced_by=officer.id,
    )


def withdraw(registration: Registration, *, by: Actor) -> Registration:
    resource = registration.resource
    officer = require_officer(by)
    if officer.department == resource.department:
        require_decider(by, Role.HEAD, Role.AUTHORITY)
    else:
        require_decider(by, Role.AUTHORITY)
    _require_state(resource, "announced")
    return replace(registration, resource=replace(resource, state="withdrawn"))


def _require_state(resource: Resource, state: str) -> None:
    if resource.state != state:
        raise StateError(f"resource {resource.code} is {resource.state}, {state} needed")
