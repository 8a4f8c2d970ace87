"""What every decision point promises, held to each engine: embedded, shadowed, OPA behind HTTP."""

import dataclasses
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from policies.bundle import Bundle, compose, default_bundle
from policies.embedded import Embedded
from policies.engine import DecisionPoint, LoadError, UndecidedError
from policies.language import Budget, compile_modules
from policies.model import Question
from policies.opa import OpaServer
from policies.shadow import Shadow
from tests.fakes.decision_table import TableCase, table, table_bundle
from tests.fakes.decisions import Undecided
from tests.fakes.engines import ENGINES, RawEngine
from tests.fakes.opa_binary import running
from tests.fakes.opa_recorded import SHAPES, Shape, says
from tests.fakes.opa_server import Mood, OpaOnLoopback, require_opa
from tests.fakes.questions import (
    DAY,
    EXPIRES,
    LICENCE,
    NOW,
    a_caller,
    a_case,
    a_grant,
    a_question,
    a_request,
    a_subject,
    an_officer,
    plain,
)
from tests.fakes.widening import answered, widened

OpenPoint = Callable[[Bundle], AbstractAsyncContextManager[DecisionPoint]]

# What a department of its own might refuse: it reads facts that may be null, and ones that may not.
MARKET = """package departments.market

deny contains {"ref": req.ref, "rule": "hours", "code": "MARKET_HOURS", "legal_basis": ["x"]} if {
	some req in input.requests
	input.hour < 6
}

deny contains {"ref": req.ref, "rule": "many", "code": "MARKET_PARTIES", "legal_basis": ["x"]} if {
	some req in input.requests
	input.case.parties > 3
}

deny contains {"ref": req.ref, "rule": "own", "code": "MARKET_SUBJECT", "legal_basis": ["x"]} if {
	some req in input.requests
	req.subject.type == "project"
}

deny contains {"ref": req.ref, "rule": "low", "code": "MARKET_LOW", "legal_basis": ["x"]} if {
	some req in input.requests
	input.officer.clearance < 1
}
"""
DEPARTMENTS = {"departments/market/rules.rego": MARKET}


@asynccontextmanager
async def embedded(bundle: Bundle) -> AsyncIterator[DecisionPoint]:
    program = compile_modules(bundle.modules, bundle.data)
    budget = Budget(steps=1_000_000, seconds=1.0, monotonic=lambda: 0.0)
    yield Embedded(program, revision=bundle.revision, expires=bundle.expires, budget=budget)


@asynccontextmanager
async def opa_server(bundle: Bundle) -> AsyncIterator[DecisionPoint]:
    require_opa()
    async with OpaOnLoopback(bundle) as server, opened(server, bundle) as point:
        yield point


@asynccontextmanager
async def opa_program(bundle: Bundle) -> AsyncIterator[DecisionPoint]:
    async with (
        running(bundle) as port,
        OpaServer(
            host="127.0.0.1",
            port=port,
            revision=bundle.revision,
            expires=bundle.expires,
            timeout=0.5,
        ) as point,
    ):
        yield point


@asynccontextmanager
async def shadowed(bundle: Bundle) -> AsyncIterator[DecisionPoint]:
    """The embedded engine with a candidate beside it that permits nothing at all."""
    async with embedded(bundle) as live:
        shadow = Shadow(live, Undecided())
        yield shadow
        await shadow.catch_up(most=shadow.waiting)
        seen = shadow.summary()
        assert (seen.undecided, seen.dropped) == (seen.asked, 0)


def opened(server: OpaOnLoopback, bundle: Bundle, *, timeout: float = 0.5) -> OpaServer:
    return OpaServer(
        host="127.0.0.1",
        port=server.port,
        revision=bundle.revision,
        expires=bundle.expires,
        timeout=timeout,
    )


@pytest.fixture(params=[embedded, shadowed, opa_server, opa_program])
def open_point(request: pytest.FixtureRequest) -> OpenPoint:
    chosen: OpenPoint = request.param
    return chosen


@pytest.fixture(params=sorted(ENGINES))
def load(request: pytest.FixtureRequest) -> Callable[[Bundle], RawEngine]:
    return ENGINES[request.param]


async def test_a_question_is_decided_under_the_bundle_s_revision(open_point: OpenPoint) -> None:
    bundle = table_bundle()
    async with open_point(bundle) as point:
        decision = await point.decide(a_question())
        assert point.revision == decision.revision == bundle.revision
    assert decision.allow
    assert decision.expires == EXPIRES
    assert decision.valid_until == a_grant().not_after


@pytest.mark.proves("P8")
@pytest.mark.parametrize(
    ("grant", "code"),
    [
        (a_grant(not_before=NOW + DAY), "GRANT_NOT_YET"),
        (a_grant(not_after=NOW - DAY), "GRANT_EXPIRED"),
        (a_grant(not_after=NOW), "GRANT_EXPIRED"),
        (a_grant(not_before=NOW, not_after=NOW + 1), "PERMITTED"),
    ],
    ids=["starts tomorrow", "ended yesterday", "has just ended", "ends today"],
)
async def test_a_grant_holds_from_its_first_second_to_its_last(
    open_point: OpenPoint, grant: object, code: str
) -> None:
    async with open_point(table_bundle()) as point:
        decision = await point.decide(a_question(grants=[grant]))
    assert decision.resources["s1"].code == code
    assert decision.allow is (code == "PERMITTED")
    if decision.allow:
        assert decision.valid_until == NOW + 1


@pytest.mark.proves("P1")
async def test_nothing_is_decided_under_an_expired_policy(open_point: OpenPoint) -> None:
    async with open_point(table_bundle()) as point:
        await point.decide(a_question(now=EXPIRES - 1, grants=[a_grant(not_after=EXPIRES)]))
        with pytest.raises(UndecidedError):
            await point.decide(a_question(now=EXPIRES, grants=[a_grant(not_after=EXPIRES + DAY)]))


@pytest.mark.proves("P12")
async def test_an_error_inside_a_denial_refuses(open_point: OpenPoint) -> None:
    broken = """package departments.market

deny contains {"ref": req.ref, "rule": "r", "code": "MARKET_REGION", "legal_basis": ["x"]} if {
	some req in input.requests
	to_number(input.caller.region) > 999999
}
"""
    bundle = default_bundle(expires=EXPIRES, departments={"departments/market/r.rego": broken})
    async with open_point(bundle) as point:
        assert (await point.decide(a_question())).allow
        with pytest.raises(UndecidedError):
            await point.decide(a_question(caller=a_caller(region="west")))


async def test_a_department_refuses_in_its_own_words(open_point: OpenPoint) -> None:
    bundle = default_bundle(expires=EXPIRES, departments=DEPARTMENTS)
    async with open_point(bundle) as point:
        permitted = await point.decide(a_question())
        verdict = (await point.decide(a_question(hour=3))).resources["s1"]
    assert permitted.allow
    assert (verdict.allow, verdict.code) == (False, "MARKET_HOURS")
    assert [reason.rule for reason in verdict.reasons] == ["departments.market.hours"]


async def test_a_department_s_rule_that_reads_a_null_fact_refuses(open_point: OpenPoint) -> None:
    bundle = default_bundle(expires=EXPIRES, departments=DEPARTMENTS)
    linked = a_request(subject=a_subject(relation="link:205003/parcel.owner", digest=None))
    async with open_point(bundle) as point:
        without_case = await point.decide(a_question(case=None))
        digest_unknown = await point.decide(a_question(requests=[linked]))
    reasons = [reason.code for reason in without_case.resources["s1"].reasons]
    assert "FACT_MISSING" in reasons
    assert digest_unknown.allow, "no rule of this department reads the digest"


@pytest.mark.proves("P11")
@pytest.mark.parametrize(
    "rule",
    [
        "allow := true",
        "default deny := false",
        "deny := set()",
        "permit contains 1",
        "deny.all contains 1",
        "night if input.hour < 6",
        'deny contains "no reason given" if input.hour < 6',
    ],
)
def test_a_department_that_defines_more_than_denials_is_refused_at_load(rule: str) -> None:
    source = f"package departments.market\n\n{rule}\n"
    with pytest.raises(LoadError, match=r"departments/market/rules\.rego:3:1: (department|code)"):
        default_bundle(expires=EXPIRES, departments={"departments/market/rules.rego": source})


@pytest.mark.proves("P11")
@pytest.mark.parametrize(
    "package", ["exchange.authz", "exchange.guards", "exchange.authz.more", "departments", "other"]
)
def test_a_department_cannot_write_into_the_exchange_s_packages(package: str) -> None:
    source = f"package {package}\n\ncleared[ref] contains code if {{ ref := 1; code := 2 }}\n"
    with pytest.raises(LoadError):
        default_bundle(expires=EXPIRES, departments={"departments/market/rules.rego": source})


def _spoilt_cases() -> list[tuple[str, dict[str, str], Question]]:
    shipped: dict[str, str] = {}
    shared = DEPARTMENTS
    other = a_grant(id="grt_0", items=["name", "phone"], masks={"phone": "tail4"}, rows=[])
    return [
        ("permitted", shipped, a_question()),
        ("two grants", shipped, a_question(grants=[a_grant(), other])),
        ("own record", shipped, a_question(officer=an_officer(digest="tok_subject"))),
        ("cleared officer", shipped, a_question(officer=an_officer(clearance=3))),
        ("masked by the grant", shipped, a_question(grants=[a_grant(masks={"name": "name"})])),
        ("another document", shipped, a_question(grants=[a_grant(operations=["00"])])),
        ("department permits", shared, a_question()),
        ("department's hours", shared, a_question(hour=3)),
        ("department's parties", shared, a_question(case=a_case(parties=4))),
        ("department's officers", shared, a_question(officer=an_officer(clearance=0))),
        (
            "department's subjects",
            shared,
            a_question(requests=[a_request(subject=a_subject(type="project"))]),
        ),
    ]


@pytest.mark.proves("P10")
@pytest.mark.parametrize(
    ("departments", "question"),
    [pytest.param(modules, question, id=name) for name, modules, question in _spoilt_cases()],
)
def test_deleting_or_nulling_any_path_never_widens_a_decision(
    load: Callable[[Bundle], RawEngine], departments: dict[str, str], question: Question
) -> None:
    bundle = default_bundle(expires=EXPIRES, departments=departments)
    masks = bundle.data["exchange"]["reference"]["masks"]
    assert widened(load(bundle), plain(question), masks) == []


@functools.cache
def shipped_engine() -> RawEngine:
    return ENGINES["embedded"](table_bundle())


@pytest.mark.slow
@pytest.mark.proves("P10")
@pytest.mark.parametrize("case", table(), ids=lambda case: case.name)
def test_no_line_of_the_table_is_widened_by_a_missing_fact(case: TableCase) -> None:
    masks = table_bundle().data["exchange"]["reference"]["masks"]
    assert widened(shipped_engine(), case.question, masks) == []


def test_the_search_for_widening_finds_an_open_policy(
    load: Callable[[Bundle], RawEngine],
) -> None:
    """Without the check that the question is complete, an item without a level is below everybody's."""
    shipped = table_bundle()
    name = "exchange/question.rego"
    opened_up = "package exchange.question\n\ncomplete := true\n"
    bundle = compose(
        {**shipped.modules, name: opened_up}, shipped.data, revision="open", expires=EXPIRES
    )
    engine, masks = load(bundle), bundle.data["exchange"]["reference"]["masks"]
    found = widened(engine, plain(a_question()), masks)
    assert f"null catalogue/{LICENCE}/items/phone/level: s1: phone is given unmasked" in found


def test_an_incomplete_question_is_refused_by_name(load: Callable[[Bundle], RawEngine]) -> None:
    question = plain(a_question())
    del question["catalogue"][LICENCE]["personal"]
    decision = answered(load(table_bundle()), question)
    assert decision["resources"]["s1"]["code"] == "QUESTION_INCOMPLETE"


@pytest.mark.proves("P4")
@pytest.mark.parametrize("mood", ["slow", "undefined", "boolean", "error", "half", "list", "html"])
async def test_an_opa_server_without_a_usable_answer_decides_nothing(mood: Mood) -> None:
    require_opa()
    bundle = table_bundle()
    async with OpaOnLoopback(bundle) as server, opened(server, bundle) as point:
        assert (await point.decide(a_question())).allow
        server.mood = mood
        with pytest.raises(UndecidedError):
            await point.decide(a_question())
        # The one question that was decided and the one that was not: nothing is tried twice.
        assert server.asked == 2


@pytest.mark.proves("P4")
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_no_answer_that_was_ever_seen_instead_of_a_decision_decides(shape: Shape) -> None:
    async with (
        says(shape) as port,
        OpaServer(host="127.0.0.1", port=port, revision="golden", expires=EXPIRES) as point,
    ):
        with pytest.raises(UndecidedError):
            await point.decide(a_question())


@pytest.mark.proves("P4")
async def test_an_opa_server_that_is_down_decides_nothing() -> None:
    require_opa()
    bundle = table_bundle()
    async with OpaOnLoopback(bundle) as server, opened(server, bundle) as point:
        await server.stop()
        with pytest.raises(UndecidedError):
            await point.decide(a_question())


@pytest.mark.proves("P4")
async def test_an_opa_server_with_another_revision_decides_nothing() -> None:
    require_opa()
    bundle = table_bundle()
    async with OpaOnLoopback(bundle) as server:
        wanted = dataclasses.replace(bundle, revision="newer")
        async with opened(server, wanted) as point:
            with pytest.raises(UndecidedError, match="revision"):
                await point.decide(a_question())


async def test_nothing_is_asked_before_the_session_is_open() -> None:
    point = OpaServer(host="127.0.0.1", port=1, revision="r", expires=EXPIRES)
    with pytest.raises(UndecidedError, match="not open"):
        await point.decide(a_question())


def test_a_long_timeout_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        OpaServer(host="127.0.0.1", port=1, revision="r", expires=EXPIRES, timeout=5.0)
