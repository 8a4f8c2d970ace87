"""Acts on a department's own cases: a late party's second word, the list, one case by its number."""

from catalogue import store
from catalogue.cases import NamedParty
from catalogue.model import Actor, Case, CaseState, SubjectType
from catalogue.rows import CASE
from exchange.acts.listing import FIRST, Span, Told, counted, cut, paged
from exchange.acts.register import ActError, act
from exchange.node import Node


@act("case.confirm-party")
def confirm_party(
    node: Node,
    actor: Actor,
    *,
    number: str,
    system: str,
    type: SubjectType,  # noqa: A002 - the word of the envelope
    identifier: str,
    role: str = "",
) -> dict[str, object]:
    """The second officer's word for a party that was added late."""
    party = NamedParty(type=type, identifier=identifier, role=role)
    held = node.registry.confirm_party(number, party, by=actor, system=system)
    return {"case": held.id, "parties": sum(party.counts for party in held.parties)}


@act("case.list")
def list_cases(
    node: Node,
    actor: Actor,
    *,
    state: CaseState | None = None,
    matter: str | None = None,
    first: int = FIRST,
    after: str | None = None,
    before: str | None = None,
) -> Told:
    """Cases of one's own department, newest first, without numbers and parties."""
    fit = {
        key: held
        for key, held in node.held(CASE).items()
        if held.department == actor.department and matter in {None, held.matter}
    }
    shown = {key: held for key, held in fit.items() if state in {None, held.state}}
    return paged(
        cut(shown, Span(first=first, after=after, before=before), newest=True),
        _case,
        counts=counted(held.state.value for held in fit.values()),
    )


@act("case.show")
def show_case(node: Node, actor: Actor, *, number: str) -> dict[str, object]:
    """A case of one's own department, found by the number that the clerk types.

    Its parties are told by kind and role alone: who they are is kept as digests.
    """
    systems = [s.id for s in node.live.load().systems.values() if s.department == actor.department]
    recorded = node.ledger.rows()
    with node.databases.registry.execution_options(reading=True).connect() as connection:
        found = [
            case
            for system in systems
            if (case := store.find_case(connection, recorded, node.sealer, system, number))
        ]
    if not found:
        # The number stays out of the message: in some matters it is personal.
        raise ActError("NOT_FOUND", "no case of this number in your department")
    case = found[0]
    return _case(case) | {
        "project": case.project,
        "named": [
            {
                "type": party.type.value,
                "role": party.role,
                "late": party.late,
                "counts": party.counts,
                "added_by": party.added_by,
            }
            for party in case.parties
        ],
    }


def _case(case: Case) -> Told:
    return {
        "id": case.id,
        "system": case.system,
        "matter": case.matter,
        "state": case.state.value,
        "attested": case.attested_by is not None,
        "parties": len(case.parties),
        "accepted_at": case.accepted_at.isoformat(),
    }
