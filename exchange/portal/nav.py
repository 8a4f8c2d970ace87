"""Which rooms there are, and who is shown the way to each."""

from dataclasses import dataclass

from catalogue.model import Actor, Role

_DEPARTMENTS = frozenset({Role.OPERATOR, Role.HEAD})
_EVERYONE = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    path: str
    title: str
    """English; a key of the locale."""
    about: str
    """One line on the first page; English, a key of the locale."""
    roles: frozenset[Role]


ROOMS = (
    Room(
        path="/catalogue",
        title="Catalogue",
        about="Find what departments share, and ask for it",
        roles=_EVERYONE,
    ),
    Room(
        path="/publish",
        title="Publish",
        about="Register a table, an interface or a file of your department",
        roles=_DEPARTMENTS,
    ),
    Room(
        path="/inbox",
        title="Inbox",
        about="Decide on what others ask of you",
        roles=_DEPARTMENTS | {Role.AUTHORITY},
    ),
    Room(
        path="/requests",
        title="Our requests",
        about="What your department asked for, and how it stands",
        roles=_DEPARTMENTS,
    ),
    Room(
        path="/grants",
        title="Grants",
        about="What your department may use, and what it lets others use",
        roles=_DEPARTMENTS | {Role.AUTHORITY, Role.AUDITOR},
    ),
    Room(
        path="/corrections",
        title="Corrections",
        about="Wrong values that were reported, and what came of them",
        roles=_DEPARTMENTS | {Role.AUTHORITY},
    ),
    Room(
        path="/disputes",
        title="Disputes",
        about="Where departments differ, step by step",
        roles=_DEPARTMENTS | {Role.AUTHORITY},
    ),
    Room(
        path="/deputies",
        title="Deputies",
        about="Who decides in a head's place, from when until when",
        roles=frozenset({Role.HEAD, Role.AUTHORITY, Role.AUDITOR}),
    ),
    Room(
        path="/supervision",
        title="Supervision",
        about="What is late and which rule was broken, with the record behind it",
        roles=frozenset({Role.HEAD, Role.AUTHORITY, Role.AUDITOR}),
    ),
    Room(
        path="/documents",
        title="Trusted documents",
        about="The queries that systems send, by their digest",
        roles=_DEPARTMENTS | {Role.AUTHORITY, Role.AUDITOR},
    ),
    Room(
        path="/cases",
        title="Cases",
        about="Your cases, what was asked under them, and the receipts",
        roles=_DEPARTMENTS,
    ),
    Room(
        path="/query",
        title="Query",
        about="Put a question together for one of your systems",
        roles=_DEPARTMENTS,
    ),
    Room(
        path="/testzone",
        title="Test zone",
        about="Try queries out over made-up records, without a grant",
        roles=_DEPARTMENTS,
    ),
    Room(
        path="/bulk",
        title="Exports",
        about="What your systems read in bulk, how far it is, and what lies ready",
        roles=_DEPARTMENTS,
    ),
    Room(
        path="/matters",
        title="Matters",
        about="The matters of the district and their materials",
        roles=_EVERYONE,
    ),
    Room(
        path="/evidence",
        title="What proves this?",
        about="Who holds a proof, and what applicants are asked for twice",
        roles=_EVERYONE,
    ),
    Room(
        path="/quality",
        title="Quality",
        about="How well the entries of the catalogue are kept, and what to mend next",
        roles=_EVERYONE,
    ),
    Room(
        path="/indicators",
        title="Indicators",
        about="By how much the district's targets are reached, with the lists behind",
        roles=_EVERYONE,
    ),
    Room(
        path="/emergency",
        title="Emergency access",
        about="Two officers, one subject, an hour at most, and a review",
        roles=_DEPARTMENTS | {Role.AUDITOR, Role.AUTHORITY},
    ),
    Room(
        path="/policy",
        title="Policy",
        about="What decides, what waits for a second approver, and how it differs",
        roles=frozenset({Role.POLICY_APPROVER, Role.AUDITOR, Role.AUTHORITY}),
    ),
    Room(
        path="/keeping",
        title="Erasures and holds",
        about="What is erased once its term is over, on two officers' word",
        roles=frozenset({Role.AUTHORITY, Role.AUDITOR}),
    ),
    Room(
        path="/questions",
        title="Review questions",
        about="Answer what reviews ask of your department",
        roles=_DEPARTMENTS,
    ),
    Room(
        path="/reviews",
        title="Reviews",
        about="Who looks into the log by whose order, and what was found",
        roles=frozenset({Role.AUDITOR, Role.AUTHORITY, Role.SUPERVISOR}),
    ),
    Room(
        path="/audit/cases",
        title="Audit by case",
        about="From a case number to a proof",
        roles=frozenset({Role.AUDITOR, Role.SUPERVISOR}),
    ),
    Room(
        path="/audit/find",
        title="Second looks",
        about="Searches for what deserves a second look",
        roles=frozenset({Role.AUDITOR, Role.SUPERVISOR}),
    ),
    Room(
        path="/audit/shards",
        title="Parts of the log",
        about="Year by year: what ended, whether it holds, and what is archived",
        roles=frozenset({Role.AUDITOR, Role.ADMINISTRATOR}),
    ),
    Room(
        path="/audit",
        title="Log",
        about="Every call and every act, newest first",
        roles=_DEPARTMENTS | {Role.AUDITOR, Role.SUPERVISOR},
    ),
)


def rooms_for(actor: Actor) -> tuple[Room, ...]:
    """Return the rooms that any of the officer's roles opens."""
    return tuple(room for room in ROOMS if any(actor.has(role) for role in room.roles))


def room_of(path: str) -> Room | None:
    """Return the room that a path is in: the longest that it begins with; None outside all of them."""
    found = [room for room in ROOMS if path == room.path or path.startswith(f"{room.path}/")]
    return max(found, key=lambda room: len(room.path), default=None)
