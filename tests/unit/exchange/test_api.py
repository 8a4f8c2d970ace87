"""The management API over a real node: sessions, signed operations, rights, limits and codes."""

import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit import verify
from exchange.api.fields import ALLOWED
from exchange.api.guard import Asking, SignedIn, Strict
from exchange.api.schema import Mutation, Query, build_schema
from exchange.clock import now, random_bytes
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from exchange.desk import write_envelope
from exchange.portal.session import COOKIE
from tests.fakes.node import Standing, standing
from tests.fakes.reviews import HALL, SUPERVISORS, a_proposed
from tests.stories.test_items import request_for

pytestmark = pytest.mark.slow  # a served node; left to `make test`


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("api") / "home") as found:
        yield found


def session(here: Standing, handle: str) -> str:
    """Sign an officer in, as the portal does."""
    officers = here.node.live.load().officers
    link = here.node.sign_in.offer_link(officers[here.place.ids[handle]], by=None)
    return here.node.sign_in.redeem_link(link, officers=officers).secret


def ask(
    here: Standing,
    query: str,
    variables: dict[str, Any] | None = None,
    *,
    by: str | None = None,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    """Send an operation from the API's own site; `by` None sends no session."""
    body = content or json.dumps({"query": query, "variables": variables or {}}).encode()
    sent = {"content-type": "application/json", "origin": here.url} | (headers or {})
    cookies = {} if by is None else {COOKIE: session(here, by)}
    with httpx.Client(trust_env=False, cookies=cookies) as client:
        return client.post(f"{here.url}/manage/graphql", content=body, headers=sent)


def code(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def signed(
    here: Standing, handle: str, body: bytes, *, over: bytes | None = None
) -> dict[str, str]:
    """The header of a signed operation; `over` is what was signed instead of the body."""
    envelope = write_envelope(
        "manage",
        {"sha256": hashlib.sha256(over or body).hexdigest()},
        key=here.place.keys[handle],
        at=now(),
        nonce=urlsafe_b64encode(random_bytes(18)).decode(),
    )
    return {"exchange-act": urlsafe_b64encode(envelope).decode(), "origin": "https://elsewhere"}


def test_an_officer_reads_what_the_acts_would_tell_them(here: Standing) -> None:
    query = """{
      departments { code name }
      systems { id keys }
      resources(first: 2) { code sharingClass items }
      matters { code department }
      requests { id state }
      grants { id masks state }
      cases { id state parties }
    }"""
    answer = ask(here, query, by="hall.operator")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert {one["code"] for one in data["departments"]} >= {district.HALL.code}
    assert len(data["resources"]) == 2
    assert len(data["grants"]) == len(here.grants) + 1
    assert data["cases"] == [
        {"id": data["cases"][0]["id"], "state": "open", "parties": 3},
    ]
    more = ask(
        here,
        "query($a: String) { resources(after: $a) { code } }",
        {"a": data["resources"][-1]["code"]},
        by="hall.operator",
    )
    assert len(more.json()["data"]["resources"]) == 4


def test_one_resource_is_shown_with_its_items(here: Standing) -> None:
    answer = ask(
        here,
        'query { resource(code: "307/000001") { name items { name mask level } } }',
        by="market.head",
    )
    items = answer.json()["data"]["resource"]["items"]
    assert {"name": "phone", "mask": "phone", "level": 2} in items


def test_a_matters_materials_its_query_and_what_proves_them_are_asked_for_at_once(
    here: Standing,
) -> None:
    answer = ask(
        here,
        """query($m: String!) {
          matter(code: $m) { version materials { name state again suppliedBy } versions { version } }
          matterQuery(code: $m) { system document why }
          evidence(words: "营业执照副本", matter: $m) { proofs { resource state sharingClass } }
          duplicates { law departments { department again avoidable } }
        }""",
        {"m": district.MATTER},
        by="hall.operator",
    ).json()["data"]
    states = {one["name"]: one["state"] for one in answer["matter"]["materials"]}
    assert states["营业执照"] == "supplied"
    assert states["消防设计审查意见书"] == "not-connected"
    assert answer["matterQuery"]["document"].startswith("query Ask")
    assert answer["evidence"]["proofs"][0]["resource"] == "307/000001"
    assert sum(one["again"] for one in answer["duplicates"]["departments"]) == 1


def test_quality_indicators_and_targets_are_asked_for_and_set(here: Standing) -> None:
    answer = ask(
        here,
        """{
          qualities(first: 3) { resource points most grade }
          quality(code: "307/000001") { marks { criterion points most evidence } next }
          indicators { id share numerator denominator missing targets { percent reached } }
          indicatorLines(indicator: "matters-online", first: 2) { key missing }
        }""",
        by="authority",
    ).json()["data"]
    assert len(answer["qualities"]) == 3
    assert len(answer["indicatorLines"]) == 2
    shares = {one["id"]: one["share"] for one in answer["indicators"]}
    assert shares["entries-up-to-date"] is None
    change = """mutation($l: String!) {
      setTarget(indicator: "matters-one-trip", percent: 90, due: "2027-12-31", lead: $l) { id state }
    }"""
    lead = {"l": district.HALL.code}
    refused = ask(here, change, lead, by="hall.head")
    assert (refused.json()["data"], code(refused)) == ({"setTarget": None}, "ROLE_MISSING")
    assert ask(here, change, lead, by="authority").json()["data"]["setTarget"] == {
        "id": "matters-one-trip@2027-12-31",
        "state": "active",
    }


def test_materials_are_tried_before_they_are_listed(here: Standing) -> None:
    change = """mutation($dry: Boolean!) {
      listMaterials(matter: "001117028000", dryRun: $dry, materials: [
        {code: "1", name: "营业执照", resource: "307/000001"}
      ]) { taken differences misfits }
    }"""
    tried, taken = (
        ask(here, change, {"dry": dry}, by="housing.operator").json()["data"]["listMaterials"]
        for dry in (True, False)
    )
    assert (tried["taken"], taken["taken"]) == (False, True)
    assert tried["differences"] == taken["differences"]
    assert code(ask(here, change, {"dry": True}, by="market.operator")) == "ROLE_MISSING"


@pytest.mark.parametrize("field", ["departments { code }", "logSearch { next }"])
def test_nobody_is_told_anything_without_a_session(here: Standing, field: str) -> None:
    answer = ask(here, f"{{ {field} }}")
    assert answer.status_code == 401
    assert code(answer) == "SESSION_UNKNOWN"


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"origin": "https://elsewhere.example"}, "FORM_FOREIGN"),
        ({"sec-fetch-site": "cross-site"}, "FORM_FOREIGN"),
        ({"origin": ""}, "FORM_FOREIGN"),
        ({"content-type": "text/plain"}, "MEDIA_TYPE_UNSUPPORTED"),
        ({"content-type": "application/x-www-form-urlencoded"}, "MEDIA_TYPE_UNSUPPORTED"),
    ],
)
def test_another_site_cannot_act_with_an_officers_session(
    here: Standing, headers: dict[str, str], wanted: str
) -> None:
    before = here.node.log.size
    change = 'mutation { revokeGrant(grant: "grt_1") { state } }'
    secret = session(here, "market.head")
    sent = {"content-type": "application/json", "origin": here.url} | headers
    with httpx.Client(trust_env=False, cookies={COOKIE: secret}) as client:
        answer = client.post(f"{here.url}/manage/graphql", json={"query": change}, headers=sent)
    assert answer.status_code in {403, 415}
    assert code(answer) == wanted
    assert here.kinds(since=before) == ["link.offered", "session.opened"]


def test_an_act_has_the_same_rights_and_codes_as_anywhere(here: Standing) -> None:
    change = "mutation($g: String!) { suspendGrant(grant: $g) { state } }"
    grant = {"g": here.grants["310/000001"]}
    refused = ask(here, change, grant, by="market.head", headers={"accept-language": "en"})
    assert refused.status_code == 200
    assert refused.json()["data"] == {"suspendGrant": None}
    assert code(refused) == "ROLE_MISSING"
    assert "role" in refused.json()["errors"][0]["message"]
    done = ask(here, change, grant, by="housing.head")
    assert done.json() == {"data": {"suspendGrant": {"state": "suspended"}}}
    ask(
        here, "mutation($g: String!) { resumeGrant(grant: $g) { state } }", grant, by="housing.head"
    )


def test_a_request_is_made_signed_and_agreed_to_over_the_api(here: Standing) -> None:
    create = "mutation($w: RequestInput!) { createRequest(wanted: $w) { id state grant } }"
    wanted = {
        "resource": "311/000001",
        "systems": ["hall.permit"],
        "items": ["amount"],
        "match": ["uscc"],
        "matters": [district.MATTER],
        "purposes": ["administrative-basis"],
        "legalBasis": "《建筑法》第八条",
        "scenario": "核验",
        "notBefore": "2026-01-01T00:00:00+00:00",
        "notAfter": "2027-01-01T00:00:00+00:00",
    }
    made = ask(here, create, {"w": wanted}, by="hall.operator").json()
    request = made["data"]["createRequest"]
    assert request["state"] == "draft"
    sign = "mutation($r: String!) { signRequest(request: $r) { state grant } }"
    own = ask(here, sign, {"r": request["id"]}, by="hall.operator")
    assert code(own) in {"OWN_REQUEST", "ROLE_MISSING"}
    ask(here, sign, {"r": request["id"]}, by="hall.head")
    give = """mutation($r: String!, $t: TermsInput) {
      giveGrant(request: $r, terms: $t) { items state masks }
    }"""
    terms = {"maxRows": 5, "masks": []}
    given = ask(here, give, {"r": request["id"], "t": terms}, by="labour.head").json()
    assert given["data"]["giveGrant"]["state"] == "active"
    assert given["data"]["giveGrant"]["items"] == ["amount"]


def test_a_search_of_the_log_is_an_entry_and_shows_an_auditor_everything(here: Standing) -> None:
    query = (
        "query($a: [String!]) { logSearch(first: 2, after: $a) { entries { index kind } next } }"
    )
    before = here.node.log.size
    page = ask(here, query, by="auditor").json()["data"]["logSearch"]
    assert "log.searched" in here.kinds(since=before)
    second = ask(here, query, {"a": page["next"]}, by="auditor").json()["data"]["logSearch"]
    assert second["entries"][0]["index"] < page["entries"][-1]["index"]


def test_a_signed_operation_needs_no_session_and_works_once(here: Standing) -> None:
    change = """mutation($g: String!) {
      one: suspendGrant(grant: $g) { state }
      two: resumeGrant(grant: $g) { state }
    }"""
    variables = {"g": here.grants["307/000001"]}
    body = json.dumps({"query": change, "variables": variables}).encode()
    headers = signed(here, "market.head", body)
    first = ask(here, "", headers=headers, content=body).json()
    assert first == {"data": {"one": {"state": "suspended"}, "two": {"state": "active"}}}
    before = here.node.log.size
    again = ask(here, "", headers=headers, content=body)
    assert code(again) == "REPLAYED"
    kinds = here.kinds(since=before)
    assert "grant.suspended" not in kinds
    assert "grant.resumed" not in kinds


def test_a_replay_whose_first_act_is_refused_does_nothing_with_its_second(here: Standing) -> None:
    change = """mutation($g: String!) {
      one: resumeGrant(grant: "grt_none") { state }
      two: suspendGrant(grant: $g) { state }
      three: resumeGrant(grant: $g) { state }
    }"""
    body = json.dumps({"query": change, "variables": {"g": here.grants["307/000001"]}}).encode()
    headers = signed(here, "market.head", body)
    ask(here, "", headers=headers, content=body)
    before = here.node.log.size
    again = ask(here, "", headers=headers, content=body).json()
    assert {error["extensions"]["code"] for error in again["errors"]} <= {
        "REPLAYED",
        "UNKNOWN",
        "STATE",
    }
    assert not {"grant.suspended", "grant.resumed"} & set(here.kinds(since=before))


def test_a_signature_over_another_body_is_refused(here: Standing) -> None:
    body = b'{"query": "{ departments { code } }"}'
    headers = signed(here, "market.head", body, over=b"something else")
    assert code(ask(here, "", headers=headers, content=body)) == "ACT_ARGUMENTS"
    nonsense = {"exchange-act": "%%%"}
    assert code(ask(here, "", headers=nonsense, content=body)) == "ACT_ARGUMENTS"


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { name } } }",
        "{ " + " ".join(f"a{n}: departments {{ code }}" for n in range(30)) + " }",
        "{ departments { " + "code " * 3_000 + " } }",
        "{ nothing }",
        "{",
    ],
)
def test_what_is_too_much_or_not_offered_is_refused_before_anything_is_done(
    here: Standing, query: str
) -> None:
    answer = ask(here, query, by="auditor")
    assert answer.status_code == 400
    assert code(answer) == "DOCUMENT_INVALID"
    assert "data" not in answer.json()


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"query": 1}', b'[{"query": "{ a }"}]'])
def test_a_body_that_is_no_single_operation_is_refused(here: Standing, content: bytes) -> None:
    assert code(ask(here, "", by="auditor", content=content)) == "BODY_INVALID"


def test_every_root_field_has_the_permission(here: Standing) -> None:
    built = build_schema(introspection=False)
    for root in (Query, Mutation):
        definition = built.get_type_by_name(root.__name__)
        assert definition is not None
        fields = definition.fields  # type: ignore[union-attr]  # roots are object types
        assert fields
        assert all(field.permission_classes == ALLOWED for field in fields)


def test_a_permission_that_answers_with_anything_but_true_is_none(here: Standing) -> None:
    class Forgetful(Strict):
        async def allows(self, asking: Asking) -> bool:  # type: ignore[override]  # the mistake itself
            return asking.actor is not None

    class Generous(Strict):
        def allows(self, asking: Asking) -> bool:
            return "yes" if asking.actor is None else ""  # type: ignore[return-value]  # the mistake itself

    info = type("Info", (), {"context": Asking(node=here.node)})()
    assert Generous().has_permission(None, info) is False
    assert SignedIn().has_permission(None, info) is False
    asked = Forgetful()
    with pytest.warns(RuntimeWarning, match="never awaited"):
        assert asked.has_permission(None, info) is False


def test_a_review_is_drawn_asked_and_judged_over_the_api(here: Standing) -> None:
    here.ask()
    review = a_proposed(here)["id"]
    confirmed = ask(
        here, "mutation($r: String!) { confirmReview(review: $r) { state } }",
        {"r": review}, by="auditor",
    ).json()  # fmt: skip
    assert confirmed["data"]["confirmReview"] == {"state": "open"}
    draw = (
        'mutation($r: String!) { drawSample(review: $r, count: 1, seed: "s") { drawn seed words } }'
    )
    sample = ask(here, draw, {"r": review}, by="supervisor").json()["data"]["drawSample"]
    (index,) = sample["drawn"]
    judge = (
        "mutation($r: String!, $i: Int!) "
        '{ judgeEntry(review: $r, index: $i, verdict: "normal") { verdict } }'
    )
    assert code(ask(here, judge, {"r": review, "i": index}, by="auditor")) == "ROLE_MISSING"
    told = ask(here, judge, {"r": review, "i": index}, by="supervisor").json()
    assert told["data"]["judgeEntry"] == {"verdict": "normal"}
    question = here.act(
        "supervisor", "review.ask", review=review, department=HALL, entries=[index], text="请说明"
    )["id"]
    waiting = ask(here, "{ reviewQuestions { id due answer } }", by="hall.head").json()
    assert [one["id"] for one in waiting["data"]["reviewQuestions"]] == [question]
    answer = 'mutation($q: String!) { answerReview(question: $q, text: "是") { answer } }'
    assert ask(here, answer, {"q": question}, by="hall.head").json()["data"] == {
        "answerReview": {"answer": "是"}
    }
    parts = "samples { words } verdicts { about } questions { answer }"
    whole = f"query($r: String!) {{ review(id: $r) {{ document {parts} }} }}"
    shown = ask(here, whole, {"r": review}, by="auditor").json()["data"]["review"]
    assert shown["samples"] == [{"words": "s"}]
    assert shown["verdicts"] == [{"about": index}]
    close = 'mutation($r: String!) { closeReview(review: $r, conclusion: "已核") { state } }'
    assert ask(here, close, {"r": review}, by="supervisor").json()["data"] == {
        "closeReview": {"state": "closed"}
    }
    listed = ask(here, "{ reviews { id state } }", by="auditor").json()["data"]["reviews"]
    assert {"id": review, "state": "closed"} in listed
    assert code(ask(here, whole, {"r": review}, by="hall.head")) == "NOT_FOUND"


def test_a_page_of_no_rows_is_refused_by_a_code_and_not_an_internal_error(here: Standing) -> None:
    answer = ask(here, "{ departments(first: 0) { code } }", by="auditor")
    assert (answer.status_code, code(answer)) == (200, "ACT_ARGUMENTS")


def test_a_request_tells_its_clock_and_is_accepted_amended_and_supervised_over_the_api(
    here: Standing,
) -> None:
    key = request_for(here, SYSTEM, "307/000001", items=["entName"])
    shown = ask(
        here,
        "query R($id: String!) { request(id: $id) { state clock { rule due left late } } }",
        {"id": key},
        by="market.head",
    ).json()["data"]["request"]
    assert shown["clock"]["rule"] == "request.answer"
    assert shown["clock"]["left"] == 10
    accepted = ask(
        here,
        'mutation A($id: String!) { acceptRequest(request: $id, contact: "登记科") { state } }',
        {"id": key},
        by="market.head",
    ).json()
    assert accepted["data"]["acceptRequest"]["state"] == "accepted"
    refused = ask(
        here,
        "mutation E($id: String!) {"
        ' answerExtension(request: $id, consent: true, text: "") { state } }',
        {"id": key},
        by="authority",
    )
    assert code(refused) == "STATE"
    listed = ask(here, "{ violations { kind record key entry } }", by="authority").json()
    assert isinstance(listed["data"]["violations"], list)
    assert code(ask(here, "{ violations { kind } }", by="market.operator")) == "ROLE_MISSING"
    rules = ask(here, "{ rules { rule value unit } notices(unseen: true) { id } }", by="authority")
    assert {"rule": "request.answer", "value": 10, "unit": "working day"} in rules.json()["data"][
        "rules"
    ]


def test_budgets_of_a_grant_are_proposed_and_signed_over_the_api(here: Standing) -> None:
    key = request_for(here, SYSTEM, "307/000001", items=["entName"])
    grant = here.act("market.head", "grant.give", request=key, terms={"daily_rows": 50})["id"]
    propose = (
        "mutation P($g: String!, $to: ChangeInput!) {"
        ' proposeAmendment(grant: $g, to: $to, reason: "业务量增加") '
        "{ id changes maxRows dailyQuota dailyRows dailySubjects consumerSigned } }"
    )
    wrong = {"g": grant, "to": {"dailySubjects": 0}}
    assert code(ask(here, propose, wrong, by="hall.operator")) == "INVALID"
    others = {"g": grant, "to": {"dailySubjects": 5}}
    assert code(ask(here, propose, others, by="housing.operator")) == "ROLE_MISSING"
    to = {"dailySubjects": 20, "maxRows": 10, "unbounded": ["daily_rows"]}
    proposed = one(
        ask(here, propose, {"g": grant, "to": to}, by="hall.operator"), "proposeAmendment"
    )
    assert proposed["changes"] == ["max_rows", "daily_rows", "daily_subjects"]
    assert (proposed["dailyRows"], proposed["dailySubjects"]) == (None, 20)
    sign = "mutation S($a: String!) { signAmendment(amendment: $a) { state } }"
    said = {"a": proposed["id"]}
    assert code(ask(here, sign, said, by="hall.operator")) == "ROLE_MISSING"
    for officer, state in (("hall.head", "proposed"), ("market.head", "in-force")):
        assert one(ask(here, sign, said, by=officer), "signAmendment") == {"state": state}
    listed = one(
        ask(
            here,
            "{ grants(first: 100) { id revision maxRows dailyRows dailySubjects } }",
            by="market.head",
        ),
        "grants",
    )
    assert {
        "id": grant,
        "revision": 2,
        "maxRows": 10,
        "dailyRows": None,
        "dailySubjects": 20,
    } in listed


def one(response: httpx.Response, name: str) -> Any:
    """Return one field of an answer without errors."""
    told = response.json()
    assert "errors" not in told, told["errors"]
    return told["data"][name]


PROPOSE = (
    "mutation($w: ReviewInput!) { proposeReview(wanted: $w) "
    "{ id state departments subjects cases since until expires sealed } }"
)


def wanted(**changes: Any) -> dict[str, Any]:
    said = {
        "document": "云监核〔2026〕8号",
        "reason": "例行抽查",
        "since": (now() - timedelta(hours=1)).isoformat(),
        "until": (now() + timedelta(hours=1)).isoformat(),
        "expires": (now() + timedelta(days=30)).isoformat(),
        "officers": SUPERVISORS,
        "departments": [HALL],
    }
    return said | changes


def test_a_review_goes_from_the_order_to_the_report_over_the_api(
    here: Standing, tmp_path: Path
) -> None:
    here.ask()
    said = wanted()
    proposed = one(ask(here, PROPOSE, {"w": said}, by="authority"), "proposeReview")
    review = proposed["id"]
    assert (proposed["state"], proposed["departments"]) == ("proposed", [HALL])
    assert datetime.fromisoformat(proposed["since"]) == datetime.fromisoformat(said["since"])
    confirm = "mutation($r: String!) { confirmReview(review: $r) { state } }"
    assert one(ask(here, confirm, {"r": review}, by="auditor"), "confirmReview") == {
        "state": "open"
    }
    draw = "mutation($r: String!) { drawSample(review: $r, count: 1) { id drawn } }"
    sample = one(ask(here, draw, {"r": review}, by="supervisor"), "drawSample")
    (index,) = sample["drawn"]
    check = "mutation($s: String!) { checkSample(sample: $s) { drawn holds } }"
    assert one(ask(here, check, {"s": sample["id"]}, by="auditor"), "checkSample") == {
        "drawn": [index],
        "holds": True,
    }
    put = (
        "mutation($r: String!, $d: String!, $i: Int!) "
        '{ askDepartment(review: $r, department: $d, entries: [$i], text: "请说明", days: 3) { id due } }'
    )
    at = {"r": review, "i": index}
    assert one(ask(here, put, at | {"d": HALL}, by="supervisor"), "askDepartment")["due"]
    closed = (
        "mutation($r: String!, $i: Int!) "
        '{ askIdentity(review: $r, index: $i, names: ["operator"], reason: "须约谈") '
        "{ id about names confirmedBy } }"
    )
    assert code(ask(here, closed, at, by="auditor")) == "ROLE_MISSING"
    opening = one(ask(here, closed, at, by="supervisor"), "askIdentity")
    assert (opening["about"], opening["names"], opening["confirmedBy"]) == (
        index,
        ["operator"],
        None,
    )
    look = "mutation($o: String!) { openIdentity(opening: $o) { opened { name value } gone } }"
    held = {"o": opening["id"]}
    assert code(ask(here, look, held, by="supervisor")) == "REVIEW_STATE"
    agree = "mutation($o: String!) { confirmIdentity(opening: $o) { confirmedBy } }"
    # A second officer, and not the one who asked.
    assert "errors" in ask(here, agree, held, by="supervisor").json()
    assert one(ask(here, agree, held, by="supervisor.second"), "confirmIdentity")["confirmedBy"]
    size = here.node.log.size
    answer = ask(here, look, held, by="supervisor")
    assert one(answer, "openIdentity") == {
        "opened": [{"name": "operator", "value": "HALL-011"}],
        "gone": [],
    }
    assert answer.headers["cache-control"] == "no-store"
    assert "review.identity-opened" in here.kinds(since=size)
    judge = (
        "mutation($r: String!, $i: Int!) "
        '{ judgeEntry(review: $r, index: $i, verdict: "normal") { verdict } }'
    )
    assert one(ask(here, judge, at, by="supervisor"), "judgeEntry") == {"verdict": "normal"}
    close = 'mutation($r: String!) { closeReview(review: $r, conclusion: "已核") { state } }'
    assert one(ask(here, close, {"r": review}, by="supervisor"), "closeReview") == {
        "state": "closed"
    }
    report = (
        "query($r: String!) { reviewReport(review: $r) { bundle entries enclosed "
        "report { conclusion samples { drawn } openings { names confirmedBy } } } }"
    )
    told = one(ask(here, report, {"r": review}, by="auditor"), "reviewReport")
    assert told["entries"] == [index]
    assert told["report"]["openings"][0]["names"] == ["operator"]
    bundle = tmp_path / "report.zip"
    bundle.write_bytes(b64decode(told["bundle"]))
    assert verify.main([str(bundle), "--vkey", here.node.vkey]) == 0
    assert b"HALL-011" not in bundle.read_bytes()
    assert code(ask(here, report, {"r": review}, by="hall.head")) == "NOT_FOUND"


def test_a_proposal_may_be_refused_and_its_bounds_are_held_over_the_api(here: Standing) -> None:
    subjects = [{"type": "enterprise", "identifier": district.APPLICANT}]
    proposed = one(
        ask(here, PROPOSE, {"w": wanted(subjects=subjects, sealed=True)}, by="authority"),
        "proposeReview",
    )
    # Who a review is about stands in no answer to those who are not its officers: a number does.
    assert (proposed["subjects"], proposed["cases"], proposed["sealed"]) == (1, 0, True)
    withdraw = "mutation($r: String!) { withdrawReview(review: $r) { state } }"
    given = ask(here, withdraw, {"r": proposed["id"]}, by="auditor")
    assert one(given, "withdrawReview") == {"state": "withdrawn"}
    assert code(ask(here, PROPOSE, {"w": wanted(departments=[])}, by="authority")) != "INTERNAL"
    assert code(ask(here, PROPOSE, {"w": wanted()}, by="hall.head")) != "INTERNAL"
    assert code(ask(here, PROPOSE, {"w": wanted()})) == "SESSION_UNKNOWN"
    naive = wanted(since="2026-11-01T00:00:00")
    assert code(ask(here, PROPOSE, {"w": naive}, by="authority")) == "ACT_ARGUMENTS"
    stray = wanted(subjects=[{"type": "ship", "identifier": "x"}])
    assert code(ask(here, PROPOSE, {"w": stray}, by="authority")) == "ACT_ARGUMENTS"
