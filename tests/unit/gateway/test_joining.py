"""Whoever names an announced resource learns how to ask for it; any other name stays unknown."""

import json
from dataclasses import replace
from typing import Any

import pytest

from catalogue.model import Resource, SharingClass
from gateway.joining import MOST_JOINING, Announced
from gateway.pipeline import RefusedCallError
from gateway.schema import build_contract, sdl
from tests.fakes.calls import USCC, a_resource, a_snapshot, an_item
from tests.fakes.open_data import Lists, a_register
from tests.fakes.sources import FixedSource

MINE = a_register()
OTHER = a_resource(
    code="331001/skill", type_name="Skill", field_name="skill", list_name="skills", source="land-db"
)


def an_exchange(other: Resource = OTHER) -> Lists:
    """A system with a grant on the register, in whose registry another resource stands."""
    lists = Lists(FixedSource(), MINE)
    registry: Any = lists.ports.registry
    snapshot = registry._snapshots[0]
    registry._snapshots = (replace(snapshot, resources={**snapshot.resources, other.code: other}),)
    return lists


NAMING = (
    f'{{ skill(uscc: "{USCC}") {{ name }} }}',
    f'{{ verifySkill(uscc: "{USCC}", claims: {{name: "x"}}) {{ result }} }}',
    f'query($c: SkillClaims!) {{ verifySkill(uscc: "{USCC}", claims: $c) {{ result }} }}',
    f'{{ enterprise(uscc: "{USCC}") {{ s: skill {{ ...S }} }} }} fragment S on Skill {{ name }}',
)


@pytest.mark.proves("F21")
@pytest.mark.parametrize("query", NAMING)
async def test_an_announced_resource_joins_when_it_is_named_and_says_that_a_grant_is_missing(
    query: str,
) -> None:
    lists = an_exchange()
    assert await lists.codes(query, c={"name": "x"}) == ["GRANT_MISSING"]
    assert json.loads(lists.recorder.bodies[-1])["steps"][0]["resource"] == OTHER.code


@pytest.mark.proves("F19")
@pytest.mark.parametrize("query", NAMING[:2])
async def test_unannounced_not_shared_and_invented_names_get_the_same_bytes(query: str) -> None:
    said = set()
    for other in (
        replace(OTHER, state="submitted"),
        replace(OTHER, state="withdrawn"),
        replace(OTHER, sharing_class=SharingClass.NOT_SHARED),
        replace(OTHER, type_name="Craft", field_name="craft", list_name="crafts"),
    ):
        with pytest.raises(RefusedCallError) as raised:
            await an_exchange(other).answer(query)
        said.add((raised.value.code, json.dumps(raised.value.errors)))
    assert len(said) == 1
    assert next(iter(said))[0] == "DOCUMENT_INVALID"


def test_what_a_call_names_changes_nobodys_published_contract() -> None:
    snapshot = a_snapshot((MINE,))
    snapshot = replace(snapshot, resources={**snapshot.resources, OTHER.code: OTHER})
    announced = Announced()
    named = announced.contract(snapshot, "sys_permit", NAMING[0])
    assert [one.code for one in named] == [MINE.code, OTHER.code]
    assert announced.contract(snapshot, "sys_permit", "{ contract }") == (MINE,)
    assert "Skill" not in sdl(build_contract(snapshot.contract("sys_permit")))


def test_a_document_that_names_more_than_a_call_may_read_joins_nothing() -> None:
    many = [
        a_resource(code=f"9/{n}", type_name=f"T{n}", field_name=f"t{n}", list_name=f"ts{n}")
        for n in range(MOST_JOINING + 1)
    ]
    snapshot = a_snapshot((MINE,))
    snapshot = replace(snapshot, resources={MINE.code: MINE, **{one.code: one for one in many}})
    announced = Announced()
    every = " ".join(one.field_name for one in many)
    assert announced.contract(snapshot, "sys_permit", every) == (MINE,)
    assert len(announced.contract(snapshot, "sys_permit", every.replace("t0 ", ""))) == 25


def test_a_newer_snapshot_is_looked_at_anew() -> None:
    announced = Announced()
    before = a_snapshot((MINE,))
    after = replace(before, resources={**before.resources, OTHER.code: OTHER})
    assert announced.contract(before, "sys_permit", NAMING[0]) == (MINE,)
    assert len(announced.contract(after, "sys_permit", NAMING[0])) == 2


def test_the_published_contract_is_equal_for_equal_contracts_and_says_titles() -> None:
    told = sdl(build_contract([MINE, OTHER]))
    assert told == sdl(build_contract([OTHER, MINE]))
    assert "宗地（205003/parcel，第1版）" in told
    assert told.endswith("}\n")


def test_an_item_is_no_name_of_its_resource() -> None:
    odd = replace(OTHER, items=(*OTHER.items, an_item("landed", 9)))
    snapshot = a_snapshot((MINE,))
    snapshot = replace(snapshot, resources={MINE.code: MINE, odd.code: odd})
    assert Announced().contract(snapshot, "sys_permit", "{ landed }") == (MINE,)
