"""A list that is bound from a template is the list that is planned anew, whoever asks and whatever for."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from catalogue.model import Listing, SubjectType
from exchange.cursoring import SealedCursors
from gateway.cursors import write_position
from gateway.errors import RefusedDocumentError
from gateway.limits import Limits
from gateway.model import Filter, Listed, Order, Step
from gateway.parse import Document, parse_document
from gateway.plan import Plan, cursor_bound, plan, told_of
from gateway.planned import FORMS, Plans, Template
from gateway.schema import build_contract
from tests.examples import examples
from tests.fakes.calls import an_item
from tests.fakes.documents import normalise
from tests.fakes.open_data import Lists, a_land_office, a_register
from tests.fakes.sources import FixedSource

LIMITS = Limits(first=50)
CURSORS = SealedCursors(b"k" * 32)
OWNED = a_register(
    items=(
        *a_register().items,
        an_item(
            "owner",
            5,
            subject=SubjectType.ENTERPRISE,
            sharing_class=a_register().sharing_class,
            level=1,
        ),
    ),
)
FIRM = a_register(
    code="307001/firm",
    type_name="Firm",
    field_name="firm",
    list_name="firms",
    items=(
        an_item("uscc", 0, key=True, match=True, subject=SubjectType.ENTERPRISE),
        an_item("town", 1),
    ),
    listing=None,
)
CONTRACT = build_contract([OWNED, FIRM])
NODES = "nodes { no name } edges { cursor node { area } } pageInfo { endCursor hasNextPage }"
WHOLE = "($a: String, $n: Int, $w: LandParcelWhere, $o: [LandParcelOrder!])"
DOCUMENTS = (
    f"query{WHOLE} {{ listLandParcel(first: $n, after: $a, where: $w, orderBy: $o) {{ {NODES} }} }}",
    f"query($a: String) {{ listLandParcel(after: $a) {{ {NODES} }} }}",
    f"query($n: Int! = 3) {{ listLandParcel(first: $n) {{ {NODES} }} }}",
    f"""query($a: String, $n: Int) {{ listLandParcel(first: $n, after: $a, orderBy: [area_DESC],
        where: {{name: {{prefix: "东"}}, area: {{in: [1, 2]}}}}) {{ {NODES} }} }}""",
    f"""query($a: String, $x: String, $k: Int = 7, $way: LandParcelOrder! = name_ASC) {{
        listLandParcel(after: $a, orderBy: [since_ASC, $way],
        where: {{name: {{eq: $x}}, area: {{in: [1, $k], lt: 9}}}}) {{ {NODES} }} }}""",
    f"""query($a: String, $n: Int, $w: LandParcelWhere, $no: Boolean = false) {{
        one: listLandParcel(first: $n, after: $a) {{ {NODES} }}
        two: listLandParcel(first: 2, where: $w) @skip(if: $no) {{
          nodes {{ no enterprise {{ uscc firm {{ town }} }} }} }}
        enterprise(uscc: "A1") {{ firm {{ town }} }} __typename }}""",
)

orders = st.lists(
    st.sampled_from([f"{n}_{way}" for n in ("name", "area", "since") for way in ("ASC", "DESC")]),
    max_size=4,
)
texts = st.sampled_from(["东", "", "a\x00", "x" * 300])
numbers = st.sampled_from([1, -3, 2**31, "1"])
days = st.sampled_from(["2020-01-01", "no day"])
wheres = st.fixed_dictionaries(
    {},
    optional={
        "name": st.none()
        | st.fixed_dictionaries(
            {}, optional={"eq": texts | st.none(), "prefix": texts, "in": st.lists(texts)}
        ),
        "area": st.fixed_dictionaries(
            {}, optional={"ge": numbers, "lt": numbers, "in": st.lists(numbers, max_size=101)}
        ),
        "since": st.fixed_dictionaries({}, optional={"le": days}),
    },
)
SOME: Mapping[str, st.SearchStrategy[Any]] = {
    "n": st.sampled_from([None, 1, 7, 50, 51, 0, -1, "2", 2.5]),
    "w": st.none() | wheres | st.just({"phone": {"eq": "1"}}),
    "o": st.none() | orders | st.just("area_ASC"),
    "x": st.none() | texts,
    "k": numbers,
    "way": st.sampled_from(["name_ASC", "since_DESC", "phone_ASC"]),
    "no": st.booleans(),
}
CONSUMERS = st.sampled_from(["sys_permit", "sys_other", 'odd "\\ 名'])
Calls = st.lists(
    st.tuples(
        st.integers(0, len(DOCUMENTS) - 1),
        st.fixed_dictionaries({}, optional=dict(SOME)),
        CONSUMERS,
        st.sampled_from(["none", "own", "another", "torn", "long"]),
    ),
    min_size=2,
    max_size=12,
)


def planned(
    planning: Callable[..., Plan],
    document: Document,
    variables: Mapping[str, Any],
    *,
    consumer: str = "sys_permit",
) -> Plan:
    return planning(
        document,
        operation_name=None,
        variables=variables,
        normalise=normalise,
        limits=LIMITS,
        cursors=CURSORS,
        consumer=consumer,
    )


def outcome_of(attempt: Callable[[], Plan]) -> Any:
    try:
        found = attempt()
    except RefusedDocumentError as error:
        return ("refused", error.code, json.dumps(error.errors), error.facts)
    names = {one.name for one in structs.fields(found)} - {"template", "shape"}
    return {name: getattr(found, name) for name in names}


def documents() -> list[Document]:
    return [parse_document(text, CONTRACT, limits=LIMITS) for text in DOCUMENTS]


def a_cursor(document: Document, variables: Mapping[str, Any], *, consumer: str) -> str | None:
    """Return where the first list of a call may go on; None where the call is refused."""
    try:
        step = planned(plan, document, variables, consumer=consumer).steps[0]
    except RefusedDocumentError:
        return None
    assert isinstance(step.key, Listed)
    place = write_position(["P1" for _ in step.key.orders])
    return CURSORS.seal(place, bound=step.key.bound)


@pytest.mark.slow
@settings(max_examples=examples(200))
@given(Calls)
def test_a_list_bound_from_a_template_is_the_list_planned_anew(calls: list[Any]) -> None:
    plans, known = Plans(), documents()
    for at, variables, consumer, kind in calls:
        document, found = known[at], dict(variables)
        whose = "sys_else" if kind == "another" else consumer
        cursor = None if kind == "none" else a_cursor(document, found, consumer=whose)
        if cursor is not None:
            found["a"] = {"torn": cursor[:-1], "long": cursor * 200}.get(kind, cursor)
        expected = outcome_of(partial(planned, plan, document, found, consumer=consumer))
        for _ in range(2):
            bound = partial(planned, plans.plan, document, found, consumer=consumer)
            assert outcome_of(bound) == expected
        if kind in {"another", "torn", "long"} and cursor is not None and "$a" in DOCUMENTS[at]:
            assert expected[1] == "CURSOR_INVALID"


def without_values(step: Step) -> Step:
    """Return what is left of a step that lists: no bound, no place, no value that it is filtered by."""
    key = step.key
    if isinstance(key, Listed):
        key = structs.replace(key, after=None, bound=b"")
    filters = tuple(structs.replace(one, value=None) for one in step.filters)
    return structs.replace(step, key=key, limit=1, filters=filters)


@settings(max_examples=examples(100))
@given(Calls)
def test_lists_share_what_is_ruled_where_all_but_values_places_and_bounds_is_the_same(
    calls: list[Any],
) -> None:
    plans, known = Plans(), documents()
    by_shape: dict[int, Any] = {}
    kept: list[Plan] = []
    for at, variables, consumer, _ in calls:
        try:
            found = [planned(plans.plan, known[at], variables, consumer=consumer) for _ in "12"][1]
        except RefusedDocumentError:
            continue
        assert isinstance(found.template, Template)
        assert found.shape is not None
        kept.append(found)
        left = (found.document, tuple(map(without_values, found.steps)))
        assert by_shape.setdefault(id(found.shape), left) == left
    lefts = list(by_shape.values())
    assert all(lefts.count(one) == 1 for one in lefts), "what is the same has one shape"


def test_a_list_is_planned_once_and_walked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    plans, known = Plans(), documents()
    variables: list[Mapping[str, Any]] = [
        {"n": 5, "w": {"name": {"eq": text}}, "o": ["area_ASC"]} for text in ("东", "西")
    ]
    templates = {id(planned(plans.plan, one, variables[0]).template) for one in known}

    def never(*_: Any, **__: Any) -> Plan:
        pytest.fail("this is to be bound")

    monkeypatch.setattr("gateway.planned.plan", never)
    for one in known:
        for values in variables:
            for consumer in ("sys_permit", "sys_other"):
                bound = planned(plans.plan, one, values, consumer=consumer)
                assert id(bound.template) in templates


def test_a_template_and_its_shapes_hold_no_value_of_a_call() -> None:
    plans, (document, *_) = Plans(), documents()
    for value in ("东山东山", "西坪西坪"):
        planned(plans.plan, document, {"w": {"name": {"eq": value}}, "n": 7})
    bound = planned(plans.plan, document, {"w": {"name": {"eq": "东河东河"}}, "n": 7})
    assert isinstance(bound.template, Template)
    assert "西坪" not in repr(bound.template.shapes)
    assert "东河" not in repr(bound.template)


def test_only_so_many_forms_of_a_template_are_told_apart() -> None:
    plans, (document, *_) = Plans(), documents()
    names = [f"{n}_{way}" for n in ("name", "area", "since") for way in ("ASC", "DESC")]
    asked = [
        {"o": [one, *(["area_ASC"] if "area" not in one and more else [])], "w": {"area": where}}
        for one in names
        for more in (False, True)
        for where in ({"ge": 1}, {"gt": 1}, {"le": 1}, {"lt": 1}, {"in": [1]}, {"eq": 1}, {})
    ]
    planned(plans.plan, document, {})
    found = [planned(plans.plan, document, variables) for variables in asked]
    shapes = [one.shape for one in found if one.shape is not None]
    assert len({id(shape) for shape in shapes}) == FORMS
    assert found[-1].shape is None
    assert outcome_of(lambda: found[-1]) == outcome_of(lambda: planned(plan, document, asked[-1]))


@given(
    st.text(),
    st.lists(st.tuples(st.sampled_from(["no", "name", "area"]), st.booleans()), max_size=3),
    st.lists(st.tuples(st.sampled_from(["name", "area"]), st.text() | st.integers()), max_size=3),
)
def test_a_cursor_is_bound_to_its_consumer_and_list_as_one_json_text(
    consumer: str, ordered: list[Any], filtered: list[Any]
) -> None:
    """The very bytes that cursors were always sealed with: those given out stay good."""
    resource = a_register()
    told = told_of(
        resource,
        tuple(Order(item=resource.item(name), descending=way) for name, way in ordered),
        tuple(Filter(item=resource.item(name), op="eq", value=value) for name, value in filtered),
    )
    asked = [
        *(consumer, "205003/parcel", 1),
        [[name, way] for name, way in ordered],
        [[name, "eq", value] for name, value in filtered],
    ]
    expected = json.dumps(asked, ensure_ascii=True, separators=(",", ":")).encode()
    assert cursor_bound(consumer, told=told) == expected


MASKED = replace(a_register(), listing=Listing(items=("name", "phone")))
BY_ANY = """query($w: LandParcelWhere, $o: [LandParcelOrder!]) {
  listLandParcel(where: $w, orderBy: $o) { nodes { no } }
}"""
OPEN: Mapping[str, Any] = {"w": {"name": {"prefix": "东"}}, "o": ["name_ASC"]}


@pytest.mark.proves("F12", "F13")
@pytest.mark.parametrize(
    "masked",
    [
        {"w": {"phone": {"prefix": "138"}}, "o": ["name_ASC"]},
        {"w": {"name": {"prefix": "东"}}, "o": ["phone_ASC"]},
    ],
)
async def test_what_was_ruled_of_open_items_is_not_what_is_ruled_of_masked_ones(
    tmp_path: Path, masked: Mapping[str, Any]
) -> None:
    """One document asks for both: the second call is bound from the template of the first."""
    with a_land_office(tmp_path, [("P1", "东山", 1, None, "13800138001")]) as source:
        lists = Lists(source, MASKED)
        for _ in range(3):
            assert await lists.codes(BY_ANY, **OPEN) == []
        asked = lists.source.asked
        assert await lists.codes(BY_ANY, **masked) == ["ITEM_NOT_FILTERABLE"]
        assert lists.source.asked == asked


@settings(max_examples=examples(15), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.fixed_dictionaries(
                {},
                optional={
                    "name": st.sampled_from([{"eq": "东"}, {"prefix": "东"}]),
                    "area": st.sampled_from([{"ge": 1}, {"ge": 2, "le": 3}]),
                },
            ),
            st.lists(st.sampled_from(["name_ASC", "area_DESC", "since_ASC"]), unique=True),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_the_entry_of_a_list_is_what_it_is_where_nothing_was_asked_before(
    asked: list[Any],
) -> None:
    def told(lists: Lists, where: Any, order: Any) -> Any:
        asyncio.run(lists.answer(BY_ANY, w=where, o=order))
        return json.loads(lists.recorder.bodies[-1])["steps"]

    before = Lists(FixedSource())
    for where, order in asked:
        assert told(before, where, order) == told(Lists(FixedSource()), where, order)
