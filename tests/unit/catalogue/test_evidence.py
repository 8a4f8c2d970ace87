"""What proves a requirement, and what of a matter's materials sharing supplies, or would."""

from typing import Any

import pytest

from catalogue import evidence
from catalogue.emergency import PREFIX
from catalogue.evidence import Supply
from catalogue.granted import Grant, GrantState
from catalogue.materials import Material
from catalogue.model import CertificateMapping, Resource, SharingClass
from catalogue.snapshot import Snapshot
from tests.fakes.catalogue import (
    HALL,
    LICENCE,
    MARKET,
    MATTER,
    TODAY,
    YESTERDAY,
    a_grant,
    a_matter,
    a_resource,
    a_snapshot,
)

NAMED = Material(code="1", name="营业执照复印件", resource=LICENCE)
TYPE = "11100000MB0X9041XF001"


def state(material: Material, **given: Any) -> Supply:
    (one,) = evidence.supplied(a_matter(materials=(material,)), a_snapshot(**given), at=TODAY)
    return one.state


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ([a_grant()], Supply.SUPPLIED),
        ([], Supply.NOT_ASKED),
        ([a_grant(matters=("other",))], Supply.NOT_ASKED),
        ([a_grant(state=GrantState.SUSPENDED)], Supply.SUSPENDED),
        ([a_grant(state=GrantState.REVOKED)], Supply.ENDED),
        ([a_grant(last_day=YESTERDAY)], Supply.ENDED),
        ([a_grant(request=f"{PREFIX}1")], Supply.NOT_ASKED),
    ],
)
def test_a_material_is_supplied_by_a_grant_in_force_for_its_matter_and_by_nothing_less(
    grants: list[Grant], expected: Supply
) -> None:
    assert state(NAMED, grants=grants) is expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (a_resource(state="withdrawn"), Supply.WITHDRAWN),
        (a_resource(sharing_class=SharingClass.NOT_SHARED), Supply.NOT_SHARED),
        (a_resource(department=HALL), Supply.OWN),
    ],
)
def test_a_resource_that_is_gone_or_closed_supplies_nothing(
    resource: Resource, expected: Supply
) -> None:
    assert state(NAMED, resources=[resource], grants=[a_grant()]) is expected


def test_a_type_of_certificate_is_supplied_by_whoever_announced_one() -> None:
    named = Material(code="1", name="营业执照", certificate=TYPE)
    mapping = CertificateMapping(type_code=TYPE, type_name="营业执照", roles={"number": "uscc"})
    assert state(named, resources=[a_resource(certificate=mapping)]) is Supply.SUPPLIED
    assert state(named) is Supply.NOT_CONNECTED
    assert state(Material(code="1", name="申请表")) is Supply.UNLINKED


def test_what_is_asked_though_it_is_supplied_is_told_apart_from_what_could_be() -> None:
    asked, waived = NAMED, Material(code="2", name="营业执照", resource=LICENCE, waived=True)
    matter = a_matter(materials=(asked, waived))
    here = a_snapshot(matters=[matter])
    (found,) = evidence.duplicates([matter], here, at=TODAY)
    assert (found.material.code, found.again, found.avoidable) == ("1", True, False)
    without = a_snapshot(matters=[matter], grants=[])
    (found,) = evidence.duplicates([matter], without, at=TODAY)
    assert (found.again, found.avoidable) == (False, True)
    assert [one.broken for one in evidence.supplied(matter, without, at=TODAY)] == [False, True]
    assert evidence.duplicates([a_matter(materials=(asked,), state="ended")], here, at=TODAY) == ()


def test_what_breaks_when_a_resource_goes_is_said_before_it_goes() -> None:
    matter = a_matter(materials=(NAMED,))
    found = evidence.impact(LICENCE, a_snapshot(matters=[matter]), at=TODAY)
    assert [one.material.code for one in found.materials] == ["1"]
    assert (found.matters, found.grants) == ((MATTER,), ("grt_1",))
    assert (found.systems, found.departments) == (("sys_hall",), (HALL,))
    assert evidence.impact("MKT/none", a_snapshot(matters=[matter]), at=TODAY).matters == ()


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("营业执照（副本）复印件", "营业执照"),
        ("营业执照原件及复印件，加盖公章", "营业执照 ,"),
        ("營業執照掃描件", "营业执照"),
        ("Copy of the business licence", "business licence"),
        ("复印件", "复印件"),
    ],
)
def test_what_is_asked_for_is_read_without_the_form_in_which_it_is_asked(
    asked: str, meant: str
) -> None:
    assert evidence.requirement(asked) == meant


def test_a_material_that_nobody_linked_is_guessed_by_its_name_and_stays_a_guess() -> None:
    here: Snapshot = a_snapshot()
    named = [
        (MATTER, Material(code="1", name="营业执照（正本）复印件")),
        (MATTER, Material(code="2", name="施工图设计文件")),
        (MATTER, Material(code="3", name="照")),
    ]
    found = list(evidence.likely(named, here.resources))
    assert [(one.material, one.resource) for one in found] == [("1", LICENCE)]
    closed = {LICENCE: a_resource(department=MARKET, sharing_class=SharingClass.NOT_SHARED)}
    assert list(evidence.likely(named, closed)) == []


def test_names_that_thousands_share_are_not_gone_through_one_by_one() -> None:
    usual = {f"R/{n}": a_resource(f"R/{n}", name=f"第{n}号许可证") for n in range(2_100)}
    named = [(MATTER, Material(code=str(n), name=f"第{n}号许可证复印件")) for n in range(40)]
    common = [(MATTER, Material(code="x", name="许可证"))]
    found = {one.material: one.resource for one in evidence.likely(named, usual)}
    assert found["39"] == "R/39"
    assert list(evidence.likely(common, usual)) == []
