"""Registered documents as plain resources: parameters, answers, problems, and their description."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from msgspec import structs

from audit.verify import verify_receipt
from catalogue.documents import digest_of
from exchange.acts.register import ActError
from exchange.client.signing import usage_header
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from gateway.model import Usage
from tests.fakes.node import DEPARTMENTS, LICENCE, USAGE, Founded, Standing, standing

NAME = "营业执照查询"
DIGEST = digest_of(LICENCE)
LIST = """query Several($e: ID!, $with: Boolean! = true) {
  enterprise(uscc: $e) {
    businessLicence @include(if: $with) { entName status validUntil }
    qualification { certNo grade }
  }
}"""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, origin: Founded) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("rest") / "home") as found:
        for text, name in ((LICENCE, NAME), (DEPARTMENTS, "四部门核查"), (LIST, "资质列表")):
            found.act("hall.operator", "document.register", text=text, name=name)
        yield found


def asked(
    here: Standing,
    document: str = NAME,
    query: str = "",
    *,
    usage: Usage | None = USAGE,
    partial: str = "allow",
) -> httpx.Response:
    named = {} if usage is None else {"exchange-usage": usage_header(usage)}
    url = f"{here.url}/rest/{quote(document, safe=':')}{query}"
    request = httpx.Request("GET", url, headers={**named, "exchange-partial": partial})
    return here.send(here.signed(request))


def told(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    problem = status != 200
    media = "application/problem+json" if problem else "application/json"
    assert response.headers["content-type"].startswith(media)
    return dict(response.json())


OF_APPLICANT = f"?e={district.APPLICANT}"


def test_a_document_is_asked_for_by_its_name_or_digest_and_recorded_like_any_call(
    hall: Standing,
) -> None:
    for named in (NAME, f"sha256:{DIGEST}"):
        response = asked(hall, named, OF_APPLICANT)
        answer = told(response)
        assert answer["data"]["enterprise"]["businessLicence"]["entName"] == "云岫栖筑建设有限公司"
        entry = json.loads(hall.node.log.entry(answer["extensions"]["entry"]["index"]))
        assert (entry["kind"], entry["operation"]) == ("call", DIGEST)
        report = verify_receipt(
            response.content,
            vkeys=[hall.node.vkey],
            answer=response.content,
            request=response.request.url.query,
        )
        assert report.holds


def test_texts_of_a_query_string_become_what_the_document_declares(hall: Standing) -> None:
    answer = told(asked(hall, "资质列表", f"{OF_APPLICANT}&with=false"))
    assert list(answer["data"]["enterprise"]) == ["qualification"]
    for wrong in ("&with=yes", "&with=true&with=true", "&limit=3"):
        refused = told(asked(hall, "资质列表", f"{OF_APPLICANT}{wrong}"), 400)
        assert refused["code"] == "VARIABLES_INVALID"
        assert district.APPLICANT not in json.dumps(refused)


def test_a_call_of_which_nothing_is_given_is_a_problem_with_its_code_and_its_receipt(
    hall: Standing,
) -> None:
    response = asked(hall, NAME, OF_APPLICANT, usage=structs.replace(USAGE, case="SG-2026-9999"))
    refused = told(response, 403)
    assert (refused["code"], refused["status"]) == ("CASE_MISSING", 403)
    assert refused["type"] == "urn:exchange:code:CASE_MISSING"
    report = verify_receipt(response.content, vkeys=[hall.node.vkey], answer=response.content)
    assert report.holds


def test_a_part_that_is_not_given_spoils_no_other_unless_all_or_nothing_was_asked_for(
    hall: Standing,
) -> None:
    part = told(asked(hall, "四部门核查", OF_APPLICANT))
    assert part["data"]["enterprise"]["businessLicence"]["status"]
    assert [fault["extensions"]["code"] for fault in part["errors"]] == ["GRANT_MISSING"]
    whole = told(asked(hall, "四部门核查", OF_APPLICANT, partial="deny"), 403)
    assert whole["code"] == "GRANT_MISSING"
    assert whole["data"]["enterprise"]["businessLicence"] is None


@pytest.mark.parametrize(
    ("document", "code"),
    [("从未登记", "DOCUMENT_UNKNOWN"), (f"sha256:{'0' * 64}", "DOCUMENT_UNKNOWN")],
)
def test_what_is_not_registered_is_refused_and_recorded(
    hall: Standing, document: str, code: str
) -> None:
    size = hall.node.log.size
    assert told(asked(hall, document, OF_APPLICANT), 400)["code"] == code
    assert hall.node.log.size == size + 1


def test_without_usage_or_signature_nothing_is_answered(hall: Standing) -> None:
    assert told(asked(hall, NAME, OF_APPLICANT, usage=None), 400)["code"] == "USAGE_MISSING"
    url = f"{hall.url}/rest/{quote(NAME)}{OF_APPLICANT}"
    stranger = hall.send(httpx.Request("GET", url))
    assert told(stranger, 401)["code"] == "AUTHENTICATION_MISSING"


def test_the_body_of_a_post_holds_parameters_and_usage_and_nothing_else(hall: Standing) -> None:
    bodies: tuple[Any, ...] = ({"query": "{ contract }"}, {"parameters": []}, [])
    for body in bodies:
        request = httpx.Request(
            "POST",
            f"{hall.url}/rest/{quote(NAME)}",
            json=body,
            headers={"exchange-usage": usage_header(USAGE)},
        )
        assert told(hall.send(hall.signed(request)), 400)["code"] == "BODY_INVALID"


def test_a_request_that_is_sent_twice_is_answered_once(hall: Standing) -> None:
    url = f"{hall.url}/rest/{quote(NAME)}{OF_APPLICANT}"
    request = httpx.Request("GET", url, headers={"exchange-usage": usage_header(USAGE)})
    signed = hall.signed(request)
    assert told(hall.send(signed))["data"]
    assert told(hall.send(signed), 401)["code"] == "REPLAYED"


def test_two_documents_of_one_name_are_asked_for_by_their_digests(here: Standing) -> None:
    for text in (LICENCE, DEPARTMENTS):
        here.act("hall.operator", "document.register", text=text, name=NAME)
    assert told(asked(here, NAME, OF_APPLICANT), 400)["code"] == "DOCUMENT_AMBIGUOUS"
    assert told(asked(here, f"sha256:{DIGEST}", OF_APPLICANT))["data"]
    assert f"/rest/sha256:{DIGEST}" in here.as_system().openapi()["paths"]


def test_the_description_holds_the_consumers_documents_in_its_own_contract(hall: Standing) -> None:
    size = hall.node.log.size
    described = hall.as_system().openapi()
    assert hall.kinds(since=size) == ["contract.read"]
    assert described["openapi"].startswith("3.1")
    path = described["paths"][f"/rest/{quote('资质列表')}"]
    found = {one["name"]: one for one in path["get"]["parameters"]}
    assert found["e"]["required"]
    assert not found["with"]["required"]
    assert found["with"]["schema"] == {"type": "boolean", "default": True}
    data = path["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"][
        "data"
    ]
    enterprise = data["properties"]["enterprise"]
    assert enterprise["type"] == ["object", "null"]
    # What hangs on a directive need not be there.
    assert enterprise["required"] == ["qualification"]
    licence = enterprise["properties"]["businessLicence"]["properties"]
    assert licence["validUntil"]["format"] == "date"
    assert described == hall.act("hall.operator", "contract.openapi", system=SYSTEM)
    with pytest.raises(ActError, match="no system"):
        hall.act("market.operator", "contract.openapi", system=SYSTEM)


def test_the_test_zone_answers_documents_too(hall: Standing) -> None:
    url = f"{hall.url}/test/rest/{quote(NAME)}?e=91000000MA0000000N"
    request = httpx.Request("GET", url, headers={"exchange-usage": usage_header(USAGE)})
    answer = told(hall.send(hall.signed(request)))
    assert answer["extensions"]["entry"]["origin"].endswith("/test")


def test_all_or_nothing_is_a_part_of_what_the_request_signs(hall: Standing) -> None:
    url = f"{hall.url}/rest/{quote(NAME)}{OF_APPLICANT}"
    usage = {"exchange-usage": usage_header(USAGE)}
    signed = hall.signed(httpx.Request("GET", url, headers=usage))
    signed.headers["exchange-partial"] = "deny"
    assert told(hall.send(signed), 401)["code"] == "COMPONENT_MISSING"
    whole = hall.signed(httpx.Request("GET", url, headers=usage | {"exchange-partial": "deny"}))
    whole.headers["exchange-partial"] = "allow"
    assert told(hall.send(whole), 401)["code"] == "SIGNATURE_INVALID"
    del whole.headers["exchange-partial"]
    assert told(hall.send(whole), 401)["code"] == "COMPONENT_MISSING"
