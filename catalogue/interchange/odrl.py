"""Terms in ODRL 2.2: what an entry offers to whom, and what was agreed by a grant."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from catalogue.granted import Grant, GrantState
from catalogue.interchange.model import Told
from catalogue.interchange.rdf import Iri, Listed, Literal, Node, Term
from catalogue.metadata import ANY_DEPARTMENT

Said = list[tuple[str, Term]]


def offer(told: Told, *, address: str, assigner: str, department: Callable[[str], str]) -> Node:
    """Return what the publisher offers: a permission, one with conditions, or a prohibition."""
    fields = told.fields
    said: Said = [
        ("rdf:type", Iri("odrl:Policy")),
        ("rdf:type", Iri("odrl:Offer")),
        ("odrl:uid", Iri(f"{address}#offer")),
    ]
    about: Said = [
        ("odrl:target", Iri(address)),
        ("odrl:assigner", Iri(assigner)),
        ("odrl:action", Iri("odrl:use")),
    ]
    match fields.get("sharing_class"):
        case "not-shared":
            said.append(("odrl:prohibition", Node(None, tuple(about))))
        case "conditional":
            about += _constraints(fields, department)
            about.append(
                (
                    "odrl:duty",
                    Node(
                        None,
                        (
                            ("odrl:action", Iri("odrl:obtainConsent")),
                            ("odrl:consentingParty", Iri(assigner)),
                        ),
                    ),
                )
            )
            said.append(("odrl:permission", Node(None, tuple(about))))
        case _:
            about += _constraints(fields, department)
            said.append(("odrl:permission", Node(None, tuple(about))))
    # Passing data on is forbidden whatever was granted (809 art. 25).
    said.append(
        (
            "odrl:prohibition",
            Node(None, (("odrl:target", Iri(address)), ("odrl:action", Iri("odrl:distribute")))),
        )
    )
    return Node(Iri(f"{address}#offer"), tuple(said))


def agreements(
    grants: Sequence[Grant], *, entry: Callable[[str], str], department: Callable[[str], str]
) -> Iterator[Node]:
    """Yield a subject a grant that is in force; those suspended or revoked permit nothing."""
    for grant in grants:
        if grant.state is not GrantState.ACTIVE:
            continue
        target = entry(grant.resource)
        constraints: list[Term] = [
            _constraint("odrl:dateTime", "odrl:gteq", _moment(grant.not_before)),
            _constraint("odrl:dateTime", "odrl:lt", _moment(grant.not_after)),
            _constraint("odrl:purpose", "odrl:isAnyOf", *map(Literal, grant.purposes)),
            _constraint("x:matter", "odrl:isAnyOf", *map(Literal, grant.matters)),
            _constraint("x:system", "odrl:isAnyOf", *map(Literal, grant.systems)),
            _constraint("x:channel", "odrl:isAnyOf", *map(Literal, grant.channels)),
            _constraint("x:callsADay", "odrl:lteq", _number(grant.daily_quota)),
            _constraint("x:rowsACall", "odrl:lteq", _number(grant.max_rows)),
        ]
        items: list[Term] = [Literal(name) for name in grant.items]
        asset = Node(
            None,
            (
                ("rdf:type", Iri("odrl:AssetCollection")),
                ("odrl:source", Iri(target)),
                ("odrl:refinement", _constraint("x:item", "odrl:isAnyOf", *items)),
            ),
        )
        permission = Node(
            None,
            (
                ("odrl:target", asset),
                ("odrl:action", Iri("odrl:use")),
                *(("odrl:constraint", one) for one in constraints),
            ),
        )
        yield Node(
            Iri(f"{target}#{grant.id}"),
            (
                ("rdf:type", Iri("odrl:Policy")),
                ("rdf:type", Iri("odrl:Agreement")),
                ("odrl:uid", Iri(f"{target}#{grant.id}")),
                ("odrl:assigner", Iri(department(grant.provider))),
                ("odrl:assignee", Iri(department(grant.department))),
                ("odrl:permission", permission),
            ),
        )


def _constraints(fields: Mapping[str, Any], department: Callable[[str], str]) -> Said:
    said: Said = []
    if fields.get("purposes"):
        words = [Iri(f"x:purposes-{one}") for one in fields["purposes"]]
        said.append(("odrl:constraint", _constraint("odrl:purpose", "odrl:isAnyOf", *words)))
    recipients = [one for one in fields.get("recipients", ()) if one != ANY_DEPARTMENT]
    if recipients:
        parties = [Iri(department(one)) for one in recipients]
        said.append(("odrl:constraint", _constraint("odrl:recipient", "odrl:isAnyOf", *parties)))
    if fields.get("conditions"):
        said.append(
            (
                "odrl:constraint",
                _constraint("x:condition", "odrl:eq", Literal(str(fields["conditions"]), "zh")),
            )
        )
    return said


def _constraint(left: str, operator: str, *right: Term) -> Node:
    value = right[0] if len(right) == 1 else Listed(right)
    return Node(
        None,
        (
            ("odrl:leftOperand", Iri(left)),
            ("odrl:operator", Iri(operator)),
            ("odrl:rightOperand", value),
        ),
    )


def _moment(at: datetime) -> Literal:
    return Literal(at.isoformat(timespec="seconds"), datatype="xsd:dateTime")


def _number(value: int) -> Literal:
    return Literal(str(value), datatype="xsd:integer")
