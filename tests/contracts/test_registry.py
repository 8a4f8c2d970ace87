"""The registry's use cases on a real database: who may, what is recorded, what stands afterwards."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event

from catalogue import store
from catalogue.cases import NamedParty
from catalogue.errors import (
    CatalogueError,
    DuplicateError,
    InvalidError,
    NotAllowedError,
    OwnRequestError,
    SeparatedRolesError,
    StateError,
    UnknownError,
)
from catalogue.granted import GrantState
from catalogue.lifecycle import NewOfficer
from catalogue.model import Actor, CaseState, Role, SharingClass, SubjectType, SystemKey
from catalogue.requested import RequestState
from catalogue.tables import metadata
from catalogue.terms import Terms
from exchange.storage import sqlite_engine
from tests.fakes.catalogue import (
    FIRM,
    HALL,
    HALL_SYSTEM,
    LICENCE,
    MARKET,
    MATTER,
    OTHER_FIRM,
    PERSON,
    TODAY,
    YESTERDAY,
    a_department,
    a_matter,
    a_resource,
    a_source,
    an_item,
    licence_items,
)
from tests.fakes.district import APPLICANT, NUMBER, District, a_registry_database
from tests.fakes.ledger import LedgerDownError

ENGINEER = NamedParty(type=SubjectType.PERSON, identifier=PERSON, role="engineer")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    a_registry_database(folder).dispose()
    return folder / "registry.db"


@pytest.fixture
def bare(template: Path, tmp_path: Path) -> Iterator[District]:
    shutil.copy(template, tmp_path / "registry.db")
    engine = sqlite_engine(tmp_path / "registry.db")
    yield District(engine)
    engine.dispose()


@pytest.fixture
def district(bare: District) -> District:
    bare.found()
    return bare


def test_the_migrations_make_the_tables_that_the_code_uses(bare: District) -> None:
    with bare.engine.connect() as connection:
        ours = set(metadata.tables)
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _parents: kind != "table" or name in ours,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_what_is_registered_stands_in_the_snapshot_as_it_was_given(district: District) -> None:
    announced = district.announce()
    grant = district.grant()
    snapshot = district.snapshot()
    assert snapshot.absent == ()
    assert snapshot.resources == {LICENCE: announced}
    assert announced == replace(a_resource(), published_on=announced.published_on)
    assert announced.published_on == TODAY.date()
    assert snapshot.grants == {grant.id: grant}
    assert snapshot.matters == {MATTER: a_matter(version=1)}
    assert snapshot.sources == {"market": a_source()}
    assert snapshot.departments == {HALL: a_department(HALL), MARKET: a_department(MARKET)}
    assert snapshot.asked == {(HALL_SYSTEM, LICENCE)}
    assert [resource.code for resource in snapshot.contract(HALL_SYSTEM)] == [LICENCE]
    clerk = district.by("hall.operator").officer
    assert clerk is not None
    token = district.sealer.token("staff", clerk.staff_number)
    assert snapshot.officers[snapshot.staff[HALL, token]] == clerk


def test_the_registry_knows_the_index_of_its_newest_act(district: District) -> None:
    district.ledger.skip()
    district.announce()
    assert district.snapshot().applied_index == max(district.ledger.entries)


def test_every_act_vouches_for_every_row_there_is(district: District) -> None:
    district.announce()
    district.grant()
    district.open_case()
    with district.engine.connect() as connection:
        present = store.row_digests(connection)
    assert present == {key: digest for key, (_i, digest) in district.ledger.rows().items()}


def test_acts_hold_no_free_text_and_no_names_in_the_clear(district: District) -> None:
    district.announce()
    grant = district.grant()
    district.registry.revoke(grant.id, by=district.by("market.head"), reason="张三投诉")
    district.open_case(parties=[APPLICANT, ENGINEER])
    clear = repr([(act.kind, act.facts, act.rows) for act in district.ledger.acts])
    for seed in ("张", FIRM, PERSON, NUMBER, "N-hall", "核验申请人"):
        assert seed not in clear
    assert district.ledger.acts[-2].private == {"reason": "张三投诉"}
    assert district.ledger.acts[-1].case == NUMBER


# Setting up


def test_a_registry_is_bootstrapped_once(district: District) -> None:
    with pytest.raises(StateError) as raised:
        district.registry.bootstrap(
            a_department("X1", code_kind="other"),
            NewOfficer(
                department="X1",
                staff_number="1",
                name="x",
                roles=frozenset({Role.ADMINISTRATOR}),
            ),
            public_key=b"",
            by=Actor(auth="bootstrap"),
        )
    assert raised.value.code == "NOT_EMPTY"


def test_a_registry_emptied_by_hand_is_not_bootstrapped_again(bare: District) -> None:
    bare.found()
    with bare.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name in {t for t, _key in bare.ledger.rows()} | {"resource_item"}:
                connection.execute(table.delete())
    with pytest.raises(StateError):
        bare.found()


def test_an_import_done_twice_changes_nothing_the_second_time(district: District) -> None:
    rows = [a_department(f"D{i}", code_kind="other") for i in range(120)]
    by = district.by("administrator")
    assert len(district.registry.import_departments(rows, by=by).added) == 120
    acts = len(district.ledger.acts)
    again = district.registry.import_departments(rows, by=by)
    assert (again.added, again.changed, len(again.unchanged)) == ((), (), 120)
    renamed = [replace(rows[0], name="新名")]
    assert district.registry.import_departments(renamed, by=by).changed == ("D0",)
    assert len(district.ledger.acts) == acts + 1
    assert max(len(act.rows) for act in district.ledger.acts) <= 50


def test_officers_are_imported_and_found_again_by_staff_number(district: District) -> None:
    row = NewOfficer(department=HALL, staff_number="H-9", name="苏信")
    by = district.by("administrator")
    (first,) = district.registry.import_officers([row], by=by).added
    assert district.registry.import_officers([row], by=by).unchanged == (first,)
    changed = replace(row, post="科长")
    assert district.registry.import_officers([changed], by=by).changed == (first,)
    assert district.snapshot().officers[first].post == "科长"


def test_one_staff_number_is_one_officer_of_a_department(district: District) -> None:
    with pytest.raises(DuplicateError):
        district.enrol("hall.operator", HALL, Role.OPERATOR)


def test_an_invitation_makes_one_key_of_its_own_system_once(district: District) -> None:
    by = district.by("administrator")
    district.registry.add_system(by=by, department=HALL, name="另一系统", system_id="sys_b")
    code = district.registry.invite_system(HALL_SYSTEM, by=by)
    key = SystemKey(id="key_2", system=HALL_SYSTEM, algorithm="ed25519", public=b"spki")
    for wrong_code, wrong_key in (
        (code + "x", key),
        ("inv_9.x", key),
        ("", key),
        (code, replace(key, system="sys_b")),
    ):
        with pytest.raises(StateError) as raised:
            district.registry.register_system_key(wrong_code, wrong_key)
        assert raised.value.code == "INVITATION_INVALID"
    assert district.registry.register_system_key(code, key) == key
    with pytest.raises(StateError):
        district.registry.register_system_key(code, replace(key, id="key_3"))
    assert set(district.snapshot().keys) == {"key_hall", "key_2"}


def test_a_revoked_key_is_revoked_at_once_and_for_good(district: District) -> None:
    district.registry.revoke_system_key("key_hall", by=district.by("administrator"))
    assert district.ledger.acts[-1].narrowing
    assert district.snapshot().keys["key_hall"].state == "revoked"
    with pytest.raises(StateError):
        district.registry.revoke_system_key("key_hall", by=district.by("administrator"))


# Roles


@pytest.mark.proves("G8")
@pytest.mark.parametrize(
    "roles",
    [
        {Role.ADMINISTRATOR, Role.AUDITOR},
        {Role.ADMINISTRATOR, Role.POLICY_APPROVER},
        {Role.AUDITOR, Role.POLICY_APPROVER},
        set(Role),
    ],
)
def test_nobody_is_given_two_of_the_separated_roles(district: District, roles: set[Role]) -> None:
    by = district.by("administrator")
    clerk = district.by("hall.operator").id
    both = NewOfficer(department=HALL, staff_number="n", name="n", roles=frozenset(roles))
    acts = len(district.ledger.acts)
    with pytest.raises(SeparatedRolesError):
        district.registry.add_officer(both, by=by)
    with pytest.raises(SeparatedRolesError):
        district.registry.import_officers([both], by=by)
    with pytest.raises(SeparatedRolesError):
        district.registry.assign_roles(clerk, frozenset(roles), by=by)
    assert len(district.ledger.acts) == acts


@pytest.mark.proves("G8")
def test_roles_added_one_by_one_are_refused_as_well(district: District) -> None:
    by = district.by("administrator")
    clerk = district.by("hall.operator").id
    district.registry.assign_roles(clerk, frozenset({Role.AUDITOR}), by=by)
    with pytest.raises(SeparatedRolesError):
        district.registry.assign_roles(clerk, frozenset({Role.AUDITOR, Role.ADMINISTRATOR}), by=by)
    assert district.snapshot().officers[clerk].roles == {Role.AUDITOR}


def test_nobody_changes_their_own_roles(district: District) -> None:
    by = district.by("administrator")
    with pytest.raises(NotAllowedError) as raised:
        district.registry.assign_roles(by.id, frozenset({Role.AUTHORITY}), by=by)
    assert raised.value.code == "OWN_ROLES"


def test_a_role_taken_away_counts_at_once_whatever_the_session_says(district: District) -> None:
    old_session = district.by("market.operator")
    district.registry.assign_roles(old_session.id, frozenset(), by=district.by("administrator"))
    assert district.ledger.acts[-1].narrowing
    with pytest.raises(NotAllowedError):
        district.registry.add_source(a_source("other"), by=old_session)


def test_roles_that_a_session_invents_count_for_nothing(district: District) -> None:
    clerk = district.by("hall.operator").officer
    assert clerk is not None
    inventive = Actor(officer=replace(clerk, roles=frozenset({Role.ADMINISTRATOR})))
    with pytest.raises(NotAllowedError):
        district.registry.add_department(a_department("D", code_kind="other"), by=inventive)


@pytest.mark.proves("G2")
def test_an_administrator_approves_nothing_and_an_auditor_changes_nothing(
    district: District,
) -> None:
    district.announce()
    request = district.ask()
    grant = district.grant()
    for handle in ("administrator", "auditor"):
        by = district.by(handle)
        registry = district.registry
        acts: list[Callable[[], Any]] = [
            partial(registry.grant, request.id, by=by),
            partial(registry.refuse, request.id, by=by, reason="x"),
            partial(registry.suspend, grant.id, by=by),
            partial(registry.withdraw_resource, LICENCE, by=by),
            partial(registry.import_matters, [a_matter()], by=by),
            partial(registry.request_sharing, district.wanted(), by=by),
        ]
        for act in acts:
            with pytest.raises(NotAllowedError):
                act()
    with pytest.raises(NotAllowedError) as raised:
        district.registry.add_department(
            a_department("D", code_kind="other"), by=district.by("auditor")
        )
    assert raised.value.code == "AUDITOR_CHANGES_NOTHING"


@pytest.mark.proves("G2")
def test_an_administrator_with_a_deciding_role_decides_nothing_either(district: District) -> None:
    district.announce()
    request = district.ask()
    district.enrol("both", MARKET, Role.ADMINISTRATOR, Role.HEAD)
    with pytest.raises(NotAllowedError) as raised:
        district.registry.grant(request.id, by=district.by("both"))
    assert raised.value.code == "ADMINISTRATOR_DECIDES_NOTHING"


# Resources


def test_a_resource_is_drafted_signed_and_announced_by_three_people(district: District) -> None:
    registry = district.registry
    district.enrol("market.all", MARKET, Role.OPERATOR, Role.HEAD, Role.AUTHORITY)
    everything = district.by("market.all")
    registry.draft_resource(a_resource(), by=everything)
    district.examine(LICENCE)
    with pytest.raises(OwnRequestError):
        registry.submit_resource(LICENCE, by=everything)
    registry.submit_resource(LICENCE, by=district.by("market.head"))
    with pytest.raises(OwnRequestError):
        registry.announce_resource(LICENCE, by=everything)
    assert district.snapshot().resources == {}
    registry.announce_resource(LICENCE, by=district.by("authority"))
    assert district.snapshot().resources[LICENCE].state == "announced"


def test_a_department_registers_only_what_is_its_own(district: District) -> None:
    with pytest.raises(NotAllowedError):
        district.registry.draft_resource(a_resource(), by=district.by("hall.operator"))
    theirs = a_resource(department=HALL)
    with pytest.raises(InvalidError):
        district.registry.draft_resource(theirs, by=district.by("hall.operator"))


def test_names_given_to_a_resource_are_never_given_to_another(district: District) -> None:
    district.announce()
    district.registry.withdraw_resource(LICENCE, by=district.by("market.head"))
    assert district.ledger.acts[-1].narrowing
    with pytest.raises(DuplicateError):
        district.registry.draft_resource(a_resource("B"), by=district.by("market.operator"))
    renamed = a_resource(type_name="Other", field_name="other", list_name="others")
    with pytest.raises(InvalidError):
        district.registry.draft_resource(renamed, by=district.by("market.operator"))
    assert district.announce().revision == 2


def test_a_source_under_an_announced_resource_changes_only_with_the_authority(
    district: District,
) -> None:
    moved = a_source(address="sqlite:///elsewhere.db")
    district.registry.change_source(moved, by=district.by("market.operator"))
    district.announce()
    with pytest.raises(NotAllowedError):
        district.registry.change_source(a_source(), by=district.by("market.operator"))
    district.registry.change_source(a_source(), by=district.by("authority"))
    assert district.snapshot().sources["market"] == a_source()


# Requests and grants


@pytest.mark.proves("G1")
def test_nobody_of_the_requesting_chain_decides_on_the_request(district: District) -> None:
    """The provider asks for its own data too: its asker and its signer may still not agree to it."""
    district.announce()
    registry, by = district.registry, district.by
    registry.add_system(by=by("administrator"), department=MARKET, name="内部", system_id="sys_m")
    registry.import_matters([a_matter("001131022000", department=MARKET)], by=by("authority"))
    own = district.wanted(systems=("sys_m",), matters=("001131022000",))
    drafted = registry.request_sharing(own, by=by("market.operator"))
    registry.sign_request(drafted.id, by=by("market.head"))
    for handle in ("market.operator", "market.head"):
        with pytest.raises(OwnRequestError):
            registry.grant(drafted.id, by=by(handle))
        with pytest.raises(OwnRequestError):
            registry.refuse(drafted.id, by=by(handle), reason="x")
    district.enrol("market.third", MARKET, Role.OPERATOR)
    grant = registry.grant(drafted.id, by=by("market.third"))
    registry.suspend(grant.id, by=by("market.third"))
    with pytest.raises(OwnRequestError):
        registry.resume(grant.id, by=by("market.operator"))


@pytest.mark.proves("G1")
def test_a_request_is_signed_by_another_than_its_author(district: District) -> None:
    district.announce()
    district.enrol("hall.both", HALL, Role.OPERATOR, Role.HEAD)
    drafted = district.registry.request_sharing(district.wanted(), by=district.by("hall.both"))
    with pytest.raises(OwnRequestError):
        district.registry.sign_request(drafted.id, by=district.by("hall.both"))
    with pytest.raises(StateError):
        district.registry.grant(drafted.id, by=district.by("market.operator"))


def test_only_the_provider_decides(district: District) -> None:
    district.announce()
    request = district.ask()
    for handle in ("authority", "hall.second"):
        with pytest.raises(NotAllowedError):
            district.registry.grant(request.id, by=district.by(handle))


def test_a_grant_never_gives_more_than_was_asked(district: District) -> None:
    district.announce()
    request = district.ask(items=("uscc", "name"))
    for terms in (
        Terms(items=("uscc", "phone")),
        Terms(match=("uscc", "name")),
        Terms(masks={"phone": "phone"}),
        Terms(not_after=TODAY + timedelta(days=400)),
        Terms(daily_quota=10_000),
        Terms(max_rows=0),
        Terms(daily_rows=0),
        Terms(daily_subjects=0),
        Terms(operations=("x",)),
    ):
        with pytest.raises(InvalidError):
            district.registry.grant(request.id, by=district.by("market.head"), terms=terms)
    given = district.registry.grant(
        request.id,
        by=district.by("market.head"),
        terms=Terms(items=("uscc", "name"), masks={"name": "name"}, daily_quota=10),
    )
    assert (given.items, given.masks, given.daily_quota) == (("uscc", "name"), {"name": "name"}, 10)


def test_everything_missing_in_a_request_is_named_at_once(district: District) -> None:
    district.announce()
    with pytest.raises(InvalidError) as raised:
        district.registry.request_sharing(
            district.wanted(
                legal_basis=" ",
                systems=("sys_x",),
                items=("nothing",),
                matters=("m",),
                purposes=("fun",),
                not_after=YESTERDAY,
            ),
            by=district.by("hall.operator"),
        )
    assert len(raised.value.findings) == 6


def test_personal_conditional_data_needs_an_attested_case_unless_the_grant_says_otherwise(
    district: District,
) -> None:
    district.announce(a_resource(personal=True))
    assert district.grant().attested
    assert not district.grant(Terms(attested=False)).attested


def test_unconditional_data_is_granted_when_the_request_is_signed(district: District) -> None:
    items = tuple(
        replace(item, sharing_class=SharingClass.UNCONDITIONAL) for item in licence_items()
    )
    district.announce(a_resource(sharing_class=SharingClass.UNCONDITIONAL, items=items))
    drafted = district.registry.request_sharing(district.wanted(), by=district.by("hall.operator"))
    request, grant = district.registry.sign_request(drafted.id, by=district.by("hall.head"))
    assert grant is not None
    assert (request.state, request.decided_by) == (RequestState.AGREED, "rule:unconditional")
    assert district.snapshot().grants[grant.id] == grant


def test_nothing_not_shared_or_unannounced_can_be_asked_for(district: District) -> None:
    district.registry.draft_resource(a_resource(), by=district.by("market.operator"))
    with pytest.raises(StateError):
        district.registry.request_sharing(district.wanted(), by=district.by("hall.operator"))
    secret = an_item("secret", 6, sharing_class=SharingClass.NOT_SHARED, level=3)
    basis = ("《中华人民共和国统计法》", "第九条", "应当予以保密", "law")
    district.announce(a_resource(items=(*licence_items(), secret), no_share_basis=basis))
    with pytest.raises(InvalidError, match="not shared"):
        district.ask(items=("secret",))


def test_a_grant_is_suspended_resumed_and_ends_for_good(district: District) -> None:
    district.announce()
    registry, head = district.registry, district.by("market.head")
    grant = district.grant()
    assert registry.suspend(grant.id, by=head).state is GrantState.SUSPENDED
    assert district.ledger.acts[-1].narrowing
    assert registry.resume(grant.id, by=head) == grant
    assert not district.ledger.acts[-1].narrowing
    assert registry.revoke(grant.id, by=head).state is GrantState.REVOKED
    assert district.ledger.acts[-1].narrowing
    for act in (registry.suspend, registry.resume, registry.revoke):
        with pytest.raises(StateError):
            act(grant.id, by=head)


def test_a_refusal_states_its_reason(district: District) -> None:
    district.announce()
    request = district.ask()
    with pytest.raises(InvalidError):
        district.registry.refuse(request.id, by=district.by("market.head"), reason=" ")
    refused = district.registry.refuse(request.id, by=district.by("market.head"), reason="无依据")
    assert refused.state is RequestState.REFUSED
    with district.engine.connect() as connection:
        held = store.requests(connection, district.ledger.rows(), district.sealer)
    assert held == [refused]


# Cases


def test_opening_a_case_twice_is_one_act_and_other_contents_are_refused(
    district: District,
) -> None:
    first = district.open_case()
    acts = len(district.ledger.acts)
    assert district.open_case() == first
    assert len(district.ledger.acts) == acts
    with pytest.raises(StateError) as raised:
        district.open_case(parties=[APPLICANT, ENGINEER])
    assert raised.value.code == "CASE_CONFLICT"
    assert NUMBER not in str(raised.value)
    assert district.case() == first


@pytest.mark.proves("C1")
def test_a_case_counts_as_attested_only_where_an_intake_platform_stands_behind_it(
    district: District,
) -> None:
    by = district.by("administrator")
    plain = district.registry.add_system(by=by, department=HALL, name="另一系统")
    intake = district.registry.add_system(by=by, department=MARKET, name="收件平台", intake=True)
    assert district.open_case().attested_by is None
    attempts: list[Actor] = [
        district.by("system"),
        Actor(system=plain),
        Actor(system=replace(plain, intake=True)),
        district.by("hall.operator"),
    ]
    for actor in attempts:
        with pytest.raises(NotAllowedError):
            district.open_case("2026-0200", attested_by=actor)
        with pytest.raises(NotAllowedError):
            district.registry.attest_case(NUMBER, system=HALL_SYSTEM, by=actor)
    case = district.case()
    assert case is not None
    assert case.attested_by is None
    attested = district.open_case("2026-0201", attested_by=Actor(system=intake))
    assert attested.attested_by == intake.id
    later = district.registry.attest_case(NUMBER, system=HALL_SYSTEM, by=Actor(system=intake))
    assert later.attested_by == intake.id


@pytest.mark.proves("C1")
def test_an_intake_platform_does_not_attest_its_own_case(district: District) -> None:
    intake = district.registry.add_system(
        by=district.by("administrator"), department=HALL, name="收件平台", intake=True
    )
    with pytest.raises(NotAllowedError):
        district.open_case(by=Actor(system=intake), attested_by=Actor(system=intake))


@pytest.mark.proves("C2")
def test_a_party_added_late_counts_only_once_a_second_officer_confirms_it(
    district: District,
) -> None:
    registry, by = district.registry, district.by
    district.open_case()
    token = district.sealer.token("person", PERSON)
    registry.add_parties(NUMBER, [ENGINEER], by=by("hall.operator"), system=HALL_SYSTEM)
    waiting = district.case()
    assert waiting is not None
    assert not waiting.party(SubjectType.PERSON, token)
    for handle in ("hall.operator", "market.head", "auditor", "administrator"):
        with pytest.raises(NotAllowedError):
            registry.confirm_party(NUMBER, ENGINEER, by=by(handle), system=HALL_SYSTEM)
    registry.confirm_party(NUMBER, ENGINEER, by=by("hall.second"), system=HALL_SYSTEM)
    confirmed = district.case()
    assert confirmed is not None
    assert confirmed.party(SubjectType.PERSON, token)


@pytest.mark.proves("C2")
def test_a_system_alone_adds_no_party_later(district: District) -> None:
    district.open_case()
    with pytest.raises(NotAllowedError):
        district.registry.add_parties(NUMBER, [ENGINEER], by=district.by("system"))


@pytest.mark.proves("C2")
def test_one_party_too_many_is_refused_early_and_late(district: District) -> None:
    registry = district.registry
    registry.import_matters([a_matter(max_parties=1)], by=district.by("authority"))
    with pytest.raises(InvalidError) as raised:
        district.open_case(parties=[APPLICANT, ENGINEER])
    assert raised.value.code == "CASE_PARTIES"
    district.open_case()
    with pytest.raises(InvalidError):
        registry.add_parties(
            NUMBER, [ENGINEER], by=district.by("hall.operator"), system=HALL_SYSTEM
        )
    with pytest.raises(InvalidError):
        district.open_case("2026-0300", parties=[])


@pytest.mark.proves("C4")
def test_no_case_is_opened_under_a_matter_of_another_department(district: District) -> None:
    foreign = a_matter("001131022000", department=MARKET)
    district.registry.import_matters([foreign], by=district.by("authority"))
    with pytest.raises(NotAllowedError) as raised:
        district.open_case(matter="001131022000")
    assert raised.value.code == "CASE_DEPARTMENT"
    assert district.case() is None
    with pytest.raises(UnknownError):
        district.open_case(matter="001131022999")


@pytest.mark.proves("C4")
def test_no_case_is_opened_under_a_matter_that_has_ended(district: District) -> None:
    district.registry.import_matters([a_matter(state="ended")], by=district.by("authority"))
    with pytest.raises(NotAllowedError):
        district.open_case()


def test_a_case_number_fits_its_matter(district: District) -> None:
    district.registry.import_matters(
        [a_matter(case_pattern="[0-9]{4}-[0-9]{4}")], by=district.by("authority")
    )
    for number in ("", "x" * 65, "2026-1\n", "2026-01170", "第1号"):
        with pytest.raises(InvalidError) as raised:
            district.open_case(number)
        assert raised.value.code == "CASE_NUMBER"
    assert district.open_case().state is CaseState.OPEN


def test_parties_are_checked_and_never_named_in_an_error(district: District) -> None:
    wrong = replace(APPLICANT, identifier=FIRM[:-1] + "?")
    with pytest.raises(CatalogueError) as raised:
        district.open_case(parties=[wrong])
    assert FIRM[:-1] not in str(raised.value)
    with pytest.raises(InvalidError):
        district.open_case(parties=[APPLICANT, replace(APPLICANT, role="agent")])


def test_a_case_is_paused_resumed_closed_and_reopened_by_two(district: District) -> None:
    registry, by = district.registry, district.by
    district.open_case()
    assert registry.pause_case(NUMBER, by=by("system")).state is CaseState.PAUSED
    assert district.ledger.acts[-1].narrowing
    assert registry.resume_case(NUMBER, by=by("system")).state is CaseState.OPEN
    assert registry.close_case(NUMBER, by=by("system"), outcome="准予").state is CaseState.CLOSED
    assert district.ledger.acts[-1].narrowing
    with pytest.raises(StateError):
        registry.resume_case(NUMBER, by=by("system"))
    clerk = by("hall.operator")
    for second in (clerk, by("market.head"), by("system")):
        with pytest.raises(NotAllowedError):
            registry.reopen_case(NUMBER, by=clerk, second=second, system=HALL_SYSTEM)
    reopened = registry.reopen_case(NUMBER, by=clerk, second=by("hall.second"), system=HALL_SYSTEM)
    assert reopened.state is CaseState.OPEN


def test_a_case_belongs_to_one_system(district: District) -> None:
    district.open_case()
    other = district.registry.add_system(
        by=district.by("administrator"), department=HALL, name="另一系统"
    )
    with pytest.raises(UnknownError):
        district.registry.close_case(NUMBER, by=Actor(system=other), outcome="x")
    with pytest.raises(NotAllowedError):
        district.registry.close_case(
            NUMBER, by=Actor(system=other), outcome="x", system=HALL_SYSTEM
        )
    same_number = district.open_case(
        by=Actor(system=other),
        parties=[NamedParty(type=SubjectType.ENTERPRISE, identifier=OTHER_FIRM, role="applicant")],
    )
    assert same_number != district.case()


# Recorded first, or not at all


def test_nothing_is_given_while_the_log_refuses(district: District) -> None:
    district.announce()
    asked = district.ask()
    before = district.snapshot()
    district.ledger.down = True
    with pytest.raises(LedgerDownError):
        district.registry.grant(asked.id, by=district.by("market.operator"))
    assert district.snapshot() == before


def test_an_act_whose_commit_fails_is_void_and_leaves_no_trace(district: District) -> None:
    district.announce()
    grant = district.grant()

    def fail(_connection: Any) -> None:
        raise OSError("disk full")

    before = district.snapshot()
    event.listen(district.engine, "commit", fail, once=True)
    with pytest.raises(OSError, match="disk full"):
        district.registry.revoke(grant.id, by=district.by("market.head"))
    assert list(district.ledger.voids.values()) == [max(district.ledger.entries)]
    after = district.snapshot()
    assert after.grants == before.grants
    assert after.absent == ()
    # The void raised the barrier to its own index: the registry has applied all up to there.
    assert after.applied_index == max(district.ledger.voids)
    district.registry.revoke(grant.id, by=district.by("market.head"))
    assert district.snapshot().grants[grant.id].state is GrantState.REVOKED


def test_an_act_that_was_committed_but_reported_as_failed_stands(district: District) -> None:
    district.announce()
    grant = district.grant()

    def lose_the_answer(connection: Any) -> None:
        connection.exec_driver_sql("COMMIT")
        raise OSError("connection lost")

    event.listen(district.engine, "commit", lose_the_answer, once=True)
    with pytest.raises(OSError, match="connection lost"):
        district.registry.revoke(grant.id, by=district.by("market.head"))
    assert district.ledger.voids == {}
    after = district.snapshot()
    assert (after.grants[grant.id].state, after.absent) == (GrantState.REVOKED, ())


def test_what_a_crash_left_unsaved_is_void_at_start_up(district: District, tmp_path: Path) -> None:
    district.engine.dispose()
    kept = tmp_path / "kept.db"
    shutil.copy(tmp_path / "registry.db", kept)
    lost = district.add_key("key_lost")
    district.engine.dispose()
    _put_back(tmp_path, kept)
    # An invitation and a used one: the second act changes what the first has never saved.
    recovered = district.registry.recover()
    assert len(recovered.voided) == 2
    assert recovered.doubtful == ()
    snapshot = district.snapshot()
    assert lost.id not in snapshot.keys
    assert snapshot.absent == ()
    assert snapshot.applied_index == max(district.ledger.voids)
    assert district.registry.recover().voided == ()


@pytest.mark.proves("R2")
def test_a_registry_put_back_to_before_a_revocation_revives_nothing_at_start_up(
    district: District, tmp_path: Path
) -> None:
    district.announce()
    grant = district.grant()
    district.engine.dispose()
    kept = tmp_path / "kept.db"
    shutil.copy(tmp_path / "registry.db", kept)
    district.registry.revoke(grant.id, by=district.by("market.head"))
    district.engine.dispose()
    _put_back(tmp_path, kept)
    act = max(district.ledger.entries)
    assert district.registry.recover().doubtful == (act,)
    snapshot = district.snapshot()
    assert grant.id not in snapshot.grants
    assert grant.id in {absent.key for absent in snapshot.absent}
    # Only somebody's word, itself recorded, brings the earlier state back.
    assert district.registry.recover(accept=frozenset({act})).voided == (act,)
    assert district.snapshot().grants[grant.id] == grant


def _put_back(folder: Path, kept: Path) -> None:
    for name in ("registry.db-wal", "registry.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.copy(kept, folder / "registry.db")
