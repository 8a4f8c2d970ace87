"""Composes a query of a system's contract out of ticked items."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalogue.model import Item, Resource, SubjectType
from gateway.names import SUBJECT_KEYS, record_field


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """A resource of the contract and the items of it that are wanted."""

    resource: Resource
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A query as text, and the names of its variables with what each of them identifies."""

    document: str
    variables: Mapping[str, str]
    """Variable → the kind of subject that it names, or the title of the key item."""


def tick(resources: Iterable[Resource], wanted: Mapping[str, Sequence[str]]) -> tuple[Ticked, ...]:
    """Return the resources of which any item is wanted; a name that a resource does not have is dropped."""
    ticked = (
        Ticked(
            resource=resource,
            items=tuple(i for i in resource.items if i.name in wanted.get(resource.code, ())),
        )
        for resource in resources
    )
    return tuple(one for one in ticked if one.items)


def compose(ticked: Sequence[Ticked]) -> Composed:
    """Write one query for everything ticked: records of one subject stand under that subject."""
    by_subject: dict[SubjectType, list[Ticked]] = {}
    alone: list[Ticked] = []
    for one in ticked:
        subject = one.resource.key.subject
        if subject is None:
            alone.append(one)
        else:
            by_subject.setdefault(subject, []).append(one)
    variables: dict[str, str] = {subject.value: subject.value for subject in by_subject}
    lines: list[str] = []
    for subject, members in by_subject.items():
        lines.append(f"  {subject.value}({SUBJECT_KEYS[subject]}: ${subject.value}) {{")
        lines += [f"    {record_field(one.resource)} {_selection(one)}" for one in members]
        lines.append("  }")
    for number, one in enumerate(alone, 1):
        key = one.resource.key
        variables[f"key{number}"] = key.title
        lines.append(
            f"  {record_field(one.resource)}({key.graphql_name}: $key{number}) {_selection(one)}"
        )
    declared = ", ".join(f"${name}: ID!" for name in variables)
    document = "\n".join([f"query Ask({declared}) {{", *lines, "}"]) + "\n"
    return Composed(document=document, variables=variables)


def _selection(one: Ticked) -> str:
    return "{ " + " ".join(item.graphql_name for item in one.items) + " }"
