"""Generated worlds: resources, operations over them, variables that mostly fit, what came of each step."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from catalogue.metadata import Code
from catalogue.model import (
    Item,
    ItemType,
    Listing,
    Resource,
    SharingClass,
    SubjectType,
    Validity,
)
from gateway import coded, names
from gateway.columns import Columns
from gateway.mask import MASKS, mask
from gateway.model import Failed, Fetched, GivenKey, LinkedKey, Outcome, Refused, Row, Step
from gateway.rule import joins_of
from policies.model import ItemVerdicts
from tests.fakes.calls import NOW, a_permit, a_resource, an_item
from tests.fakes.documents import normalise

SUBJECTS = (SubjectType.ENTERPRISE, SubjectType.PERSON, SubjectType.PARCEL)
IDENTIFIERS = ("A1", "a1", "B2", "C3", "d4")
FITTING: Mapping[ItemType, Sequence[Any]] = {
    ItemType.TEXT: ("", "甲公司", 'quote " \\ \n', "𠀀é", "plain", "1101051949123100"),
    ItemType.INTEGER: (0, 1, -7, 2**31 - 1, -(2**31)),
    ItemType.LONG: ("0", "9007199254740993"),
    ItemType.DECIMAL: ("12.50", "0"),
    ItemType.BOOLEAN: (True, False),
    ItemType.DATE: ("2027-01-01", "1999-12-31"),
    ItemType.DATETIME: ("2026-11-23T01:30:00.000Z",),
    ItemType.BYTES: ("AQID",),
}
CODES: Mapping[ItemType, Sequence[tuple[Code, ...]]] = {
    ItemType.TEXT: (
        (Code(value="valid", title="有效", title_en="Valid"), Code(value="ended_9", title="终止")),
        (Code(value="01", title="甲类"), Code(value="02", title='乙"类', title_en="B")),
        (Code(value="name", title="名"), Code(value="plain", title="平")),
    ),
    ItemType.INTEGER: (
        (Code(value="1", title="男", title_en="Male"), Code(value="-7", title="女")),
    ),
}
UNFIT = (7, 2**31, 2.5, 3.0, True, "text", "12", ["a"], {"a": 1}, float("inf"), "\ud800")


@dataclass(slots=True)
class Operation:
    """A document under writing, with the variables that it declares."""

    random: Random
    resources: Sequence[Resource]
    declared: dict[str, tuple[str, Sequence[Any]]] = field(default_factory=dict)
    """Variable → its declaration, and values of which most fit."""
    fragments: list[str] = field(default_factory=list)
    steps_left: int = 10

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def variable(self, type_: str, values: Sequence[Any]) -> str:
        name = f"v{len(self.declared)}"
        self.declared[name] = (f"${name}: {type_}", values)
        return f"${name}"

    def text(self) -> str:
        body = self._root()
        variables = ", ".join(declaration for declaration, _ in self.declared.values())
        head = f"query Q({variables})" if variables else "query Q"
        return "\n".join([f"{head} {{ {body} }}", *self.fragments])

    def _root(self) -> str:
        parts = [self._root_field(number) for number in range(self.random.randint(1, 4))]
        extras = ["contract", "__typename", "c2: contract"]
        parts += [one for one in extras if self.chance(0.2)]
        self.random.shuffle(parts)
        return " ".join(parts)

    def _root_field(self, number: int) -> str:
        resource = self.random.choice(self.resources)
        subject = resource.key.subject
        if resource.listable and self.chance(0.4):
            return self._listing(resource, number)
        kind = self.random.random()
        if kind < 0.25 and names.is_verifiable(resource):
            return self._verification(resource, number)
        if kind < 0.55 or subject is None:
            alias = f"r{number}: "
            key = f"{resource.key.graphql_name}: {self._identifier()}"
            return self._records(resource, alias, key, depth=0)
        argument = f"{names.SUBJECT_KEYS[subject]}: {self._identifier()}"
        name = f"s{number}: {subject.value}({argument}){self._flag()}"
        first = f"{name} {{ {self._subject(subject, 0)} }}"
        # The same field again: graphql-core merges what is asked of it.
        again = f" {name} {{ {self._subject(subject, 0)} }}" if self.chance(0.15) else ""
        return first + again

    def _listing(self, resource: Resource, number: int) -> str:
        """A page: from where, how long, filtered and ordered by literals, variables or a mixture."""
        self.steps_left -= 1
        arguments = [f"first: {self._first()}"] if self.chance(0.7) else []
        if self.chance(0.3):
            arguments.append(f"after: {self.variable('String', (None, None, 'no cursor'))}")
        compared = names.compared(resource)
        if compared and self.chance(0.6):
            arguments.append(f"where: {self._where(resource, compared)}")
        if compared and self.chance(0.6):
            orders = list(names.order_values(resource))
            chosen = self.random.choices(orders, k=self.random.choice([1, 1, 2, 3]))
            if self.chance(0.4):
                values: tuple[Any, ...] = (chosen, chosen[:1], [], None, ["no_order"])
                written = self.variable(f"[{names.order_type(resource)}!]", values)
            else:
                written = f"[{', '.join(chosen)}]"
            arguments.append(f"orderBy: {written}")
        inside = f"({', '.join(arguments)})" if arguments else ""
        parts = [
            f"nodes {{ {self._record(resource, 1)} }}",
            f"edges {{ cursor node {{ {self._record(resource, 1)} }} }}",
            "pageInfo { endCursor hasNextPage }",
            "__typename",
        ]
        kept = [part for part in parts if self.chance(0.6)] or parts[:1]
        self.random.shuffle(kept)
        return (
            f"p{number}: {names.list_field(resource)}{inside}{self._flag()} {{ {' '.join(kept)} }}"
        )

    def _where(self, resource: Resource, compared: Sequence[Item]) -> str:
        item = self.random.choice(compared)
        number = item.type is ItemType.INTEGER
        values: tuple[Any, ...] = (1, -7) if number else ("甲公司", "plain")
        if self.chance(0.3):
            whole = [{item.graphql_name: {"eq": value}} for value in values]
            wrong: tuple[Any, ...] = ({item.graphql_name: {"in": []}}, {}, None, {"unknown": {}})
            return self.variable(names.where_type(resource), (*whole, *wrong))
        value = json.dumps(values[0], ensure_ascii=False)
        if self.chance(0.5):
            value = self.variable("Int" if number else "String", (*values, None, True))
        return f"{{{item.graphql_name}: {{{self.random.choice(['eq', 'in'])}: {value}}}}}"

    def _subject(self, subject: SubjectType, depth: int) -> str:
        on_it = [one for one in self.resources if one.key.subject is subject]
        parts = ["__typename"] if self.chance(0.3) else []
        if self.chance(0.5):
            parts.append(self.random.choice(["", "k: "]) + names.SUBJECT_KEYS[subject])
        for number, resource in enumerate(on_it):
            if self.steps_left > 0 and self.chance(0.7):
                alias = self.random.choice(["", f"x{depth}{number}{self.random.randint(0, 9)}: "])
                parts.append(self._records(resource, alias, "", depth=depth))
        self.random.shuffle(parts)
        return self._fragment(names.SUBJECT_TYPES[subject], " ".join(parts or ["__typename"]))

    def _records(self, resource: Resource, alias: str, key: str, *, depth: int) -> str:
        self.steps_left -= 1
        arguments = [key] if key else []
        # Without an alias the same field may stand here twice, and its arguments must not differ.
        if not resource.single and alias and self.chance(0.7):
            arguments.append(f"first: {self._first()}")
        inside = f"({', '.join(arguments)})" if arguments else ""
        name = names.record_field(resource)
        return f"{alias}{name}{inside}{self._flag()} {{ {self._record(resource, depth)} }}"

    def _first(self) -> str:
        if self.chance(0.5):
            return self.variable("Int! = 3", (1, 2, 5, 5, 0, 1001, None, "2"))
        return str(self.random.choice([1, 2, 3, 1000] * 8 + [0]))

    def _record(self, resource: Resource, depth: int) -> str:
        parts = ["t: __typename"] if self.chance(0.3) else []
        for item in resource.items:
            if self.chance(0.6):
                alias = self.random.choice(["", "", f"a{item.ordinal}: "])
                parts.append(f"{alias}{item.graphql_name}{self._flag()}")
        for name, (item, beside) in coded.fields(resource).items():
            if self.chance(0.5):
                alias = self.random.choice(["", f"c{item.ordinal}{beside.name}: "])
                inner = self.random.choice(["code", "nameEn name: code", "__typename name"])
                below = f" {{ {inner} }}" if beside is coded.Beside.LIST else ""
                parts.append(f"{alias}{name}{self._flag()}{below}")
        for name, item in names.links(resource).items():
            if depth < 2 and item.subject is not None and self.chance(0.6):
                alias = self.random.choice(["", f"l{item.ordinal}: "])
                inner = self._subject(item.subject, depth + 1)
                parts.append(f"{alias}{name}{self._flag()} {{ {inner} }}")
        self.random.shuffle(parts)
        return self._fragment(resource.type_name, " ".join(parts or ["__typename"]))

    def _verification(self, resource: Resource, number: int) -> str:
        self.steps_left -= 1
        claimed = [item.graphql_name for item in names.claimable(resource)]
        members = [f"{name}: {self._claim()}" for name in claimed if self.chance(0.6)]
        if resource.validity is not None and self.chance(0.5):
            members.append("valid: true")
        claims = f"{{ {', '.join(members)} }}"
        if self.chance(0.3) and claimed:
            values = [{claimed[0]: "甲公司"}, {claimed[0]: None}, {}, {"unknown": "1"}, "none"]
            claims = self.variable(f"{names.claims_type(resource)}!", values)
        key = f"{resource.key.graphql_name}: {self._identifier()}"
        inner = self.random.choice(["result", "r: result __typename", "result again: result"])
        name = names.verify_field(resource)
        return f"w{number}: {name}({key}, claims: {claims}){self._flag()} {{ {inner} }}"

    def _claim(self) -> str:
        if self.chance(0.4):
            return self.variable("String", ("甲公司", "x" * 300, None))
        return '"甲公司"'

    def _identifier(self) -> str:
        if self.chance(0.6):
            values = (*IDENTIFIERS, *IDENTIFIERS, *IDENTIFIERS, 17, "no code", "", None, 1.5)
            return self.variable(self.random.choice(["ID!", 'ID! = "B2"']), values)
        return f'"{self.random.choice([*IDENTIFIERS * 8, "no code"])}"'

    def _flag(self) -> str:
        if not self.chance(0.12):
            return ""
        flag = self.random.choice(["skip", "include"])
        if self.chance(0.3):
            return f" @{flag}(if: {self.random.choice(['true', 'false'])})"
        declared = self.random.choice(["Boolean!", "Boolean! = true", "Boolean = false"])
        return f" @{flag}(if: {self.variable(declared, (True, True, False, False, None, 1))})"

    def _fragment(self, type_: str, body: str) -> str:
        kind = self.random.random()
        if kind < 0.15:
            return f"... on {type_}{self._flag()} {{ {body} }}"
        if kind < 0.3:
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_} {{ {body} }}")
            return f"...{name}{self._flag()}"
        return body

    def values(self) -> dict[str, Any]:
        """Return values of the variables; of one call in four some are left out and some do not fit."""
        astray = self.chance(0.25)
        found = {}
        for name, (_, values) in self.declared.items():
            # What fits stands in front.
            most = values if astray and self.chance(0.3) else values[: max(1, len(values) // 2)]
            if not (astray and self.chance(0.15)):
                found[name] = self.random.choice(most)
        return found


def some_resources(random: Random) -> tuple[Resource, ...]:
    """Return two to four resources that meet each other on their subjects."""
    return tuple(_resource(random, number) for number in range(random.randint(2, 4)))


def _resource(random: Random, number: int) -> Resource:
    key = an_item(
        "key",
        0,
        key=True,
        match=True,
        subject=random.choice(SUBJECTS),
        graphql_name=f"key{number}",
    )
    items = [key, *(_item(random, ordinal) for ordinal in range(1, random.randint(3, 7)))]
    dated = [item.name for item in items if item.type is ItemType.DATE]
    plain = [item.name for item in items if item.type in {ItemType.TEXT, ItemType.INTEGER}]
    opened: dict[str, Any] = {}
    if random.random() < 0.5:
        listing = Listing(
            items=tuple(name for name in plain if random.random() < 0.7), unique="key"
        )
        opened = {"sharing_class": SharingClass.UNCONDITIONAL, "listing": listing}
    return a_resource(
        code=f"33300{number}/r",
        department=f"dep{number}",
        name=f"资源{number}",
        type_name=f"Record{number}",
        field_name=f"record{number}",
        list_name=f"records{number}",
        single=random.random() < 0.5,
        items=tuple(items),
        validity=Validity(status_item=None, valid_words=(), until_item=dated[0]) if dated else None,
        **opened,
    )


def _item(random: Random, ordinal: int) -> Item:
    linked = random.random() < 0.3
    type_ = ItemType.TEXT if linked else random.choice(list(ItemType))
    return an_item(
        f"i{ordinal}",
        ordinal,
        type=type_,
        codes=random.choice(CODES[type_]) if type_ in CODES and random.random() < 0.5 else (),
        subject=random.choice(SUBJECTS) if linked else None,
        match=random.random() < 0.4,
        graphql_name=f"item{ordinal}",
    )


def some_outcomes(random: Random, steps: Sequence[Step]) -> list[Outcome]:
    """Return an outcome for each step: mostly rows, masked as a random verdict says."""
    unfit = random.random() < 0.15
    return [_outcome(random, step, steps, unfit=unfit) for step in steps]


def _outcome(random: Random, step: Step, steps: Sequence[Step], *, unfit: bool) -> Outcome:
    kind = random.random()
    if kind < 0.07:
        return Refused(step, random.choice(["GRANT_MISSING", "LINK_UNREAD"]), None)
    joins = [item.name for item in joins_of(step, steps)]
    permitted = a_permit(step, joins, items=_verdict(random, step))
    if kind < 0.14:
        code = random.choice(["SOURCE_TIMEOUT", "SOURCE_INVALID"])
        return Failed(permitted, code, retryable=random.random() < 0.5)
    rows: Sequence[Row] = tuple(_rows(random, step, unfit=unfit))
    if not unfit and random.random() < 0.5:
        rows = _columns(step, rows, written=random.random() < 0.7)
    return mask(Fetched(permitted, rows, 1_700_000_000_123), now=NOW, normalise=normalise)


def _columns(step: Step, rows: Sequence[Row], *, written: bool) -> Columns:
    """Hold rows item by item, as a source does that says how their values were written, or does not."""
    items = step.resource.items
    return Columns(
        {item.name: [row.get(item.name) for row in rows] for item in items},
        size=len(rows),
        written={item.name: item.type for item in items} if written else {},
    )


def _verdict(random: Random, step: Step) -> ItemVerdicts:
    allowed, masked, denied = [], {}, {}
    for item in step.items:
        kind = random.random()
        if kind < 0.15:
            denied[item.name] = "ITEM_NOT_GRANTED"
        elif kind < 0.35:
            masked[item.name] = random.choice(sorted(MASKS))
        else:
            allowed.append(item.name)
    return ItemVerdicts(allowed=allowed, masked=masked, denied=denied)


def _rows(random: Random, step: Step, *, unfit: bool) -> Iterator[Row]:
    for _ in range(random.choice([0, 1, 1, 2, 3, 6])):
        row: dict[str, Any] = {}
        for item in step.resource.items:
            if random.random() < 0.12:
                continue
            if unfit and random.random() < 0.1:
                row[item.name] = random.choice(UNFIT)
            elif item.subject is not None:
                row[item.name] = random.choice([*IDENTIFIERS, None, "no code"])
            elif coded.is_coded(item) and random.random() < 0.9:
                word = random.choice(item.codes).value
                row[item.name] = int(word) if item.type is ItemType.INTEGER else word
            else:
                row[item.name] = random.choice([*FITTING[item.type], None])
        if isinstance(step.key, LinkedKey):
            row[step.key.item.name] = random.choice(IDENTIFIERS)
        elif isinstance(step.key, GivenKey):
            row[step.key.item.name] = step.key.value
        else:
            row[step.key.item.name] = random.choice(IDENTIFIERS)
        yield row
