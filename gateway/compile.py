"""The assembler compiled: one Python function for each template, from given rows to the bytes of the answer.

`gateway.assemble` alone says what the answer is. What is generated here covers what most calls ask for:
subjects, records, lists, links, verifications, aliases, merged fields and `__typename`. Whatever it does
not cover, and whatever a value's type could not write as it is, goes through `assemble` over the same
outcomes, so that no department is asked twice and every error is worded in one place.

Names and values enter the generated text only as constants of its namespace, never as text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from graphql import GraphQLObjectType

from catalogue.model import Item, ItemType, Resource
from gateway import coded, names
from gateway.assemble import Assembled, assemble, step_errors
from gateway.columns import Columns, column
from gateway.cursors import write_position
from gateway.formats import INT_MAX
from gateway.model import Failed, GivenKey, LinkedKey, Listed, Masked, Outcome, Refused, Row, Step
from gateway.outcomes import VerificationResult
from gateway.plan import Plan
from gateway.planned import Selected, Template

_encode = msgspec.json.Encoder().encode
_NULL = b"null"
MADE = "assembler"

Assembler = Callable[[Sequence[Any], Mapping[Any, str], list[list[bytes]]], bytes]
"""(state of each step, identifiers of named subjects, places of each step: filled) → `data`."""


class _UncoveredError(Exception):
    """The generated code does not cover this: the answer is put together by `assemble`."""


def put_together(plan: Plan, outcomes: Sequence[Outcome]) -> Assembled:
    """Put the outcomes together exactly as `assemble` does."""
    assembler = _assembler(plan)
    if assembler is not None:
        try:
            return _run(assembler, plan, outcomes)
        except (_UncoveredError, UnicodeEncodeError):
            pass
    return assemble(plan, outcomes)


def _assembler(plan: Plan) -> Assembler | None:
    """Return the function made for a plan's template; None where there is none."""
    template = plan.template
    if not isinstance(template, Template):
        return None
    if MADE not in template.made:
        try:
            template.made[MADE] = _Writing(template=template).compiled()
        except _UncoveredError:
            template.made[MADE] = None
    made: Assembler | None = template.made[MADE]
    return made


def _run(assembler: Assembler, plan: Plan, outcomes: Sequence[Outcome]) -> Assembled:
    steps = plan.steps
    if len(outcomes) != len(steps):
        raise _UncoveredError
    states, wrong = [], False
    for step, outcome in zip(steps, outcomes, strict=True):
        if type(outcome) is Masked:
            if outcome.permitted.step is not step:
                raise _UncoveredError
            states.append(_state(plan, step, outcome))
        else:
            if _step(outcome) is not step:
                raise _UncoveredError
            undetermined = isinstance(outcome, Failed) and bool(step.claims)
            states.append(VerificationResult.UNDETERMINED.value if undetermined else None)
            wrong = wrong or not undetermined
    places: list[list[bytes]] = [[] for _ in steps]
    data = assembler(states, plan.given, places)
    return Assembled(
        data=data,
        step_bytes={
            step.ref: found[0] if len(found) == 1 else b"\n".join(found)
            for step, found in zip(steps, places, strict=True)
        },
        errors=step_errors(plan, outcomes, msgspec.json.decode(data)) if wrong else (),
    )


def _step(outcome: Outcome) -> Step:
    return outcome.step if isinstance(outcome, Refused) else outcome.permitted.step


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of a list, as the generated code takes it."""

    rows: Sequence[Row]
    joins: Sequence[Mapping[str, str]]
    places: Sequence[tuple[Any, ...]]
    more: bool
    seal: Callable[[tuple[Any, ...]], str | None]

    @property
    def end(self) -> str | None:
        return self.seal(self.places[-1]) if self.places else None


def _page(plan: Plan, key: Listed, outcome: Masked) -> _Page:
    cursors = plan.cursors

    def seal(place: tuple[Any, ...]) -> str | None:
        return None if cursors is None else cursors.seal(write_position(place), bound=key.bound)

    joins = outcome.joins or ({},) * len(outcome.rows)
    if not len(joins) == len(outcome.rows) == len(outcome.positions):
        raise _UncoveredError
    return _Page(outcome.rows, joins, outcome.positions, outcome.more, seal)


def _state(plan: Plan, step: Step, outcome: Masked) -> Any:
    """Return what the generated code takes for a step: its records, or a verification's word."""
    if step.claims:
        if outcome.verified is None:
            raise _UncoveredError
        return VerificationResult(outcome.verified).value
    if outcome.verified is not None or outcome.unread or outcome.disputed:
        raise _UncoveredError
    key, rows = step.key, outcome.rows
    if type(key) is Listed:
        return _page(plan, key, outcome)
    joins = outcome.joins or ({},) * len(rows)
    if len(joins) != len(rows):
        raise _UncoveredError
    most = step.limit if step.many else 1
    if type(key) is GivenKey:
        return key.value, rows if len(rows) <= most else rows[:most], joins
    grouped: dict[str, list[Any]] = {}
    name = key.item.name
    for row, join in zip(rows, joins, strict=True):
        text = join.get(name)
        if text is not None:
            found = grouped.setdefault(text, [])
            if len(found) < most:
                found.append((row, join))
    return None, grouped


# --- The generated code -----------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Writing:
    """Writes one assembler. Everything that is not its own wording stands in `constants`."""

    template: Template
    constants: dict[str, Any] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)

    def compiled(self) -> Assembler:
        self.constants |= {"encode": _encode, "Raw": msgspec.Raw, "NULL": _NULL}
        self.constants |= {"Uncovered": _UncoveredError, "BOOLEAN": _BOOLEAN}
        self.constants |= {"checked": _checked_values, "unchanged": _unchanged}
        self.constants |= {"LEAST": -INT_MAX - 1, "MOST": INT_MAX}
        pieces = self._root()
        lines = [*self.functions, "def assemble(states, given, places):"]
        lines += [f"    {line}" for piece in pieces for line in piece.before]
        lines.append(f"    return b''.join(({''.join(f'{one.bytes}, ' for one in pieces)}))")
        exec("\n".join(lines), self.constants)  # noqa: S102  No name or value of others is in it.
        made: Assembler = self.constants["assemble"]
        return made

    def constant(self, value: Any) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def _root(self) -> list["_Piece"]:
        return self._object(self.template.selected, self._root_value)

    def _object(
        self, selected: Sequence[Selected], value: Callable[[Selected], list["_Piece"]]
    ) -> list["_Piece"]:
        """Write an object member by member, where some of them are bytes already."""
        pieces = [_Piece(bytes=self.constant(b"{"))]
        for number, one in enumerate(selected):
            comma = b"," if number else b""
            pieces.append(_Piece(bytes=self.constant(comma + _encode(one.key) + b":")))
            pieces += value(one)
        return [*pieces, _Piece(bytes=self.constant(b"}"))]

    def _root_value(self, one: Selected) -> list["_Piece"]:
        contract = self.template.document.contract
        if one.name == "__typename":
            return [_Piece(bytes=self.constant(_encode(one.parent.name)))]
        if one.name == names.CONTRACT:
            return [_Piece(bytes=self.constant(_encode(contract.digest)))]
        if one.name in contract.verifications:
            return self._verification(one)
        if one.name in contract.records:
            return self._given_records(one)
        if one.name in contract.listings:
            return self._listing(one)
        if any(path == one.path for path, *_ in self.template.given):
            return self._object(one.below, self._subject_value)
        raise _UncoveredError

    def _subject_value(self, one: Selected) -> list["_Piece"]:
        """Write a field of a subject that the call named."""
        if one.name == "__typename":
            return [_Piece(bytes=self.constant(_encode(one.parent.name)))]
        if one.name in self.template.document.contract.records:
            return self._given_records(one)
        if not self._identifies(one):
            raise _UncoveredError
        return [_Piece(bytes=f"encode(given[{self.constant(one.path[:-1])}])")]

    def _given_records(self, one: Selected) -> list["_Piece"]:
        at, step = self._slot(one)
        if not isinstance(step.key, GivenKey):
            raise _UncoveredError
        key, rows, joins = (f"states[{at}][{member}]" for member in range(3))
        return [_placed(at, self._all_records(one, step, rows=rows, joins=joins, key=key))]

    def _verification(self, one: Selected) -> list["_Piece"]:
        at, _ = self._slot(one)
        members = []
        for field_ in one.below:
            if field_.name == "__typename":
                members.append(self.constant(field_.parent.name))
            elif field_.name == "result":
                members.append(f"states[{at}]")
            else:
                raise _UncoveredError
        made = self._struct([field_.key for field_ in one.below])
        return [_placed(at, f"{made}({', '.join(members)})")]

    def _listing(self, one: Selected) -> list["_Piece"]:
        """Write a page: its records, its edges, and where it ends."""
        at, step = self._slot(one)
        if not isinstance(step.key, Listed):
            raise _UncoveredError
        page = f"states[{at}]"
        made = self._struct([field_.key for field_ in one.below])
        members = [self._of_page(field_, step, page) for field_ in one.below]
        return [_placed(at, f"{made}({', '.join(members)})")]

    def _of_page(self, one: Selected, step: Step, page: str) -> str:
        match one.name:
            case "__typename":
                return self.constant(one.parent.name)
            case "nodes":
                return self._listed(one, step, page)
            case "edges":
                made = self._struct([field_.key for field_ in one.below])
                columns = [self._of_edges(field_, step, page) for field_ in one.below]
                return _each(made, columns, f"{page}.rows")
            case "pageInfo":
                made = self._struct([field_.key for field_ in one.below])
                return f"{made}({', '.join(self._of_end(field_, page) for field_ in one.below)})"
            case _:
                raise _UncoveredError

    def _listed(self, one: Selected, step: Step, page: str) -> str:
        return self._all_records(one, step, rows=f"{page}.rows", joins=f"{page}.joins")

    def _of_edges(self, one: Selected, step: Step, page: str) -> str:
        """Return what one field of all edges is, in their order."""
        match one.name:
            case "__typename":
                return f"[{self.constant(one.parent.name)}] * len({page}.rows)"
            case "node":
                return self._listed(one, step, page)
            case "cursor":
                return f"list(map({page}.seal, {page}.places))"
            case _:
                raise _UncoveredError

    def _of_end(self, one: Selected, page: str) -> str:
        match one.name:
            case "__typename":
                return self.constant(one.parent.name)
            case "hasNextPage":
                return f"{page}.more"
            case "endCursor":
                return f"{page}.end"
            case _:
                raise _UncoveredError

    def _slot(self, one: Selected) -> tuple[int, Step]:
        for at, slot in enumerate(self.template.steps):
            if slot.step.path == one.path:
                return at, slot.step
        raise _UncoveredError

    def _all_records(
        self, one: Selected, step: Step, *, rows: str, joins: str, key: str = "None"
    ) -> str:
        """Write what stands in the place of all records of a step.

        Many from which no link starts are written item by item, and not record by record.
        """
        listed = isinstance(step.key, Listed)
        if not step.many or any(field_.name in names.links(step.resource) for field_ in one.below):
            build = self._records(one, step, listed=listed)
            return f"{build}(zip({rows}, {joins}), {key}, states, places)"
        self._check_records(one, step, listed=listed)
        made = self._struct([field_.key for field_ in one.below])
        values = [self._values(field_, step) for field_ in one.below]
        name = f"f{len(self.functions)}"
        self.functions += [f"def {name}(rows, key):", f"    return {_each(made, values, 'rows')}"]
        return f"{name}({rows}, {key})"

    def _values(self, one: Selected, step: Step) -> str:
        """Write one member of every record, in their order."""
        if one.name == "__typename":
            return f"[{self.constant(one.parent.name)}] * len(rows)"
        for item in step.resource.items:
            if item.graphql_name == one.name:
                if isinstance(step.key, GivenKey) and item.key:
                    return f"checked([key], {self.constant(item.type)}) * len(rows)"
                return self._column(item)
        beside = coded.fields(step.resource).get(one.name)
        if beside is None:
            raise _UncoveredError
        if beside[1] is coded.Beside.LIST:
            return f"[{self._list_of(one, beside[0])}] * len(rows)"
        known = self.constant(coded.names_of(*beside))
        return f"map({known}.get, {self._column(beside[0])})"

    def _column(self, item: Item) -> str:
        return f"unchanged(rows, {self.constant(item.name)}, {self.constant(item.type)})"

    def _check_records(self, one: Selected, step: Step, *, listed: bool) -> None:
        resource = self._resource(one.type)
        if resource is not step.resource or (step.many is not one.many and not listed):
            raise _UncoveredError

    def _records(self, one: Selected, step: Step, *, listed: bool = False) -> str:
        """Write the function from a step's (row, joins) to what is encoded in its place; returns its name."""
        self._check_records(one, step, listed=listed)
        made = self._struct([field_.key for field_ in one.below])
        values, before, loop = [], [], []
        for number, field_ in enumerate(one.below):
            value, lines, once = self._member(field_, step, f"v{number}")
            values.append(value)
            loop += lines
            before += once
        name = f"f{len(self.functions)}"
        body = [f"def {name}(found, key, states, places):", *_indented(before, 1)]
        end = f"{made}({', '.join(values)})"
        body += ["    out = []", "    for row, join in found:", *_indented(loop, 2)]
        body += [f"        out.append({end})"]
        body += ["    return out" if step.many else "    return out[0] if out else None"]
        self.functions += body
        return name

    def _member(self, one: Selected, step: Step, variable: str) -> tuple[str, list[str], list[str]]:
        """Return a member's expression, the lines of each record that it needs, and those of all."""
        if one.name == "__typename":
            return self.constant(one.parent.name), [], []
        for item in step.resource.items:
            if item.graphql_name == one.name:
                return self._leaf(item, step, variable)
        beside = coded.fields(step.resource).get(one.name)
        if beside is not None:
            return self._of_list(one, *beside, variable)
        links = names.links(step.resource)
        if one.name not in links or one.type is None:
            raise _UncoveredError
        return variable, self._link(one, links[one.name], variable), []

    def _of_list(
        self, one: Selected, item: Item, beside: coded.Beside, variable: str
    ) -> tuple[str, list[str], list[str]]:
        """Write what stands beside a code; a list is the same for every record."""
        if beside is not coded.Beside.LIST:
            known = self.constant(coded.names_of(item, beside))
            read = f"{variable} = row.get({self.constant(item.name)})"
            return f"{known}.get({variable})", [read, *_checked(item.type, variable)], []
        return self._list_of(one, item), [], []

    def _list_of(self, one: Selected, item: Item) -> str:
        made = self.constants[self._struct([field_.key for field_ in one.below])]
        entries = [
            made(
                *(
                    field_.parent.name
                    if field_.name == "__typename"
                    else coded.entry_field(code, field_.name)
                    for field_ in one.below
                )
            )
            for code in item.codes
        ]
        return self.constant(entries)

    def _leaf(self, item: Item, step: Step, variable: str) -> tuple[str, list[str], list[str]]:
        if isinstance(step.key, GivenKey) and item.key:
            return "key", [], list(_checked(item.type, "key"))
        read = f"{variable} = row.get({self.constant(item.name)})"
        return variable, [read, *_checked(item.type, variable)], []

    def _link(self, one: Selected, item: Item, variable: str) -> list[str]:
        """Write the lines that put the subject of a link, with its records, into a variable."""
        values, lines = [], []
        for number, field_ in enumerate(one.below):
            inner = f"{variable}_{number}"
            if field_.name == "__typename":
                values.append(self.constant(field_.parent.name))
            elif field_.name in self.template.document.contract.records:
                values.append(f"Raw({inner})")
                lines += self._linked_records(field_, inner)
            elif self._identifies(field_):
                values.append(inner)
                lines.append(f"{inner} = row.get({self.constant(item.name)})")
                lines += _checked(ItemType.TEXT, inner)
            else:
                raise _UncoveredError
        made = self._struct([field_.key for field_ in one.below])
        return [
            f"text = join.get({self.constant(item.name)})",
            f"{variable} = None",
            "if text is not None:",
            *_indented(lines, 1),
            f"    {variable} = {made}({', '.join(values)})",
        ]

    def _linked_records(self, one: Selected, variable: str) -> list[str]:
        at, step = self._slot(one)
        if not isinstance(step.key, LinkedKey):
            raise _UncoveredError
        build = self._records(one, step)
        value = f"{build}(states[{at}][1].get(text, ()), None, states, places)"
        return list(_lines(at, value, variable))

    def _identifies(self, one: Selected) -> bool:
        """Say whether a field of a subject is its identifier."""
        subject = self.template.document.contract.subjects.get(one.parent.name)
        return subject is not None and one.name == names.SUBJECT_KEYS[subject]

    def _resource(self, type_: GraphQLObjectType | None) -> Resource:
        found = self.template.document.contract.types.get(type_.name) if type_ is not None else None
        if found is None:
            raise _UncoveredError
        return found

    def _struct(self, keys: Sequence[str]) -> str:
        """Return the constant that holds the type of an object with these members, in this order."""
        attributes = [f"m{number}" for number in range(len(keys))]
        made = msgspec.defstruct(
            "Given",
            [(attribute, object) for attribute in attributes],
            rename=dict(zip(attributes, keys, strict=True)),
            gc=False,
        )
        return self.constant(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A stretch of the answer: lines that come before, and the expression of its bytes."""

    bytes: str
    before: tuple[str, ...] = ()


def _each(made: str, columns: Sequence[str], rows: str) -> str:
    """Write the objects of all records from what each member is of them; one may have no members."""
    if not columns:
        return f"[{made}()] * len({rows})"
    return f"list(map({made}, {', '.join(columns)}))"


def _placed(at: int, value: str) -> _Piece:
    """Write the one place of a step: its value is encoded once, and stands there and in the answer."""
    return _Piece(bytes=f"b{at}", before=tuple(_lines(at, value, f"b{at}")))


def _lines(at: int, value: str, variable: str) -> Iterator[str]:
    yield f"{variable} = NULL if states[{at}] is None else encode({value})"
    yield f"places[{at}].append({variable})"


_BOOLEAN = frozenset({bool, type(None)})


def _checked(type_: ItemType, variable: str) -> Iterator[str]:
    """Yield the line that lets through only what the type writes as it is."""
    match type_:
        case ItemType.INTEGER:
            yield (
                f"if {variable} is not None and not"
                f" (type({variable}) is int and LEAST <= {variable} <= MOST): raise Uncovered"
            )
        case ItemType.BOOLEAN:
            yield f"if type({variable}) not in BOOLEAN: raise Uncovered"
        case _:
            yield f"if {variable}.__class__ is not str and {variable} is not None: raise Uncovered"


def _unchanged(rows: Sequence[Row], name: str, type_: ItemType) -> Sequence[Any]:
    """Return an item of every record. Raises _UncoveredError where its type does not write one as it is."""
    if type(rows) is Columns and rows.written.get(name) is type_:
        return rows.of(name)
    return _checked_values(column(rows, name), type_)


def _checked_values(values: Sequence[Any], type_: ItemType) -> Sequence[Any]:
    kinds = set(map(type, values)) - {type(None)}
    match type_:
        case ItemType.INTEGER:
            known = kinds <= {int} and all(
                -INT_MAX - 1 <= value <= INT_MAX for value in set(values) if value is not None
            )
        case ItemType.BOOLEAN:
            known = kinds <= {bool}
        case _:
            known = kinds <= {str}
    if not known:
        raise _UncoveredError
    return values


def _indented(lines: Sequence[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]
