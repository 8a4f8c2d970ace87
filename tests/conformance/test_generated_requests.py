"""Requests that schemathesis makes out of our own descriptions: never a 500, never an undescribed answer.

The short run is the same each time and stands in every test run; the long one is for `make fuzz`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from exchange.api.schema import build_schema
from exchange.client.signing import usage_header
from exchange.demo import district
from exchange.portal.session import COOKIE
from tests.fakes.node import DEPARTMENTS, LICENCE, USAGE, Standing, standing
from tests.unit.exchange.test_api import session

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SWITCHED = """query Switched($e: ID!, $with: Boolean! = true) {
  enterprise(uscc: $e) { businessLicence @include(if: $with) { entName validUntil } }
  verifyBusinessLicence(uscc: $e, claims: {valid: true}) { result }
  unused: enterprise(uscc: $e) @skip(if: $with) { uscc }
}"""
SHORT, LONG = 30, 500
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("generated") / "home") as found:
        for number, text in enumerate((LICENCE, DEPARTMENTS, SWITCHED)):
            found.act("hall.operator", "document.register", text=text, name=f"文档{number}")
        yield found


def run(examples: int, work: Callable[[st.DataObject], None]) -> None:
    """Carry work out for so many examples; the short run is derandomized, and nothing is kept of it."""
    bounded = settings(
        max_examples=examples,
        derandomize=examples == SHORT,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=QUIET,
    )
    bounded(given(st.data())(work))()


def _operations(schema: Any) -> list[Any]:
    return [found.ok() for found in schema.get_all_operations()]


def sent(here: Standing, case: Any, data: st.DataObject) -> httpx.Response:
    """Send a generated case, signed; of two in three the usage is right, of one in two the subject too."""
    told = case.as_transport_kwargs(base_url=here.url)
    headers = {str(k): str(v) for k, v in dict(told.get("headers") or {}).items() if v is not None}
    query, body = dict(told.get("params") or {}), told.get("json")
    if data.draw(st.integers(0, 2)):
        headers["Exchange-Usage"] = usage_header(USAGE)
        if isinstance(body, dict):
            body.pop("extensions", None)
    if data.draw(st.booleans()):
        holder = body.get("parameters") if isinstance(body, dict) else query
        if isinstance(holder, dict):
            holder["e"] = district.APPLICANT
    request = httpx.Request(
        told["method"],
        told["url"] + (f"?{urlencode(query, doseq=True)}" if query else ""),
        headers={k: v for k, v in headers.items() if _is_field(v)},
        **({"json": body} if told["method"] == "POST" else {}),
    )
    return here.send(here.signed(request))


def _is_field(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def ask_documents(here: Standing, examples: int) -> Mapping[int, int]:
    schema = schemathesis.openapi.from_dict(dict(here.as_system().openapi()))
    operations = _operations(schema)
    assert len(operations) == 6
    mode = GenerationMode.POSITIVE
    strategy = st.one_of([one.as_strategy(generation_mode=mode) for one in operations])
    statuses: dict[int, int] = {}

    def work(data: st.DataObject) -> None:
        case = data.draw(strategy)
        size = here.node.log.size
        response = sent(here, case, data)
        statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
        case.validate_response(response, checks=CHECKS)
        # Whoever proved who they are is recorded, whatever comes of the call.
        assert response.status_code == 401 or here.node.log.size > size

    run(examples, work)
    return statuses


def test_generated_requests_to_documents_are_answered_as_described(hall: Standing) -> None:
    statuses = ask_documents(hall, SHORT)
    assert set(statuses) >= {200, 400}


@pytest.mark.fuzz
def test_many_generated_requests_to_documents_are_answered_as_described(hall: Standing) -> None:
    ask_documents(hall, LONG)


def ask_management(here: Standing, examples: int) -> None:
    """Generated queries of an auditor: each is answered, with codes for what is refused."""
    schema = schemathesis.graphql.from_file(build_schema(introspection=False).as_str())
    queries = [one for one in _operations(schema) if one.label.startswith("Query.")]
    assert len(queries) >= 10
    strategy = st.one_of([one.as_strategy() for one in queries])
    cookies = {COOKIE: session(here, "auditor")}

    def work(data: st.DataObject) -> None:
        case = data.draw(strategy)
        with httpx.Client(trust_env=False, cookies=cookies) as client:
            response = client.post(
                f"{here.url}/manage/graphql",
                json={"query": case.body},
                headers={"origin": here.url},
            )
        assert response.status_code < 500, case.body
        told = json.loads(response.content)
        assert "data" in told or told["errors"]
        for error in told.get("errors", ()):
            assert error["extensions"]["code"] != "INTERNAL", case.body

    run(examples, work)


def test_generated_operations_of_the_management_api_are_answered_or_refused_by_a_code(
    hall: Standing,
) -> None:
    ask_management(hall, SHORT)


@pytest.mark.fuzz
def test_many_generated_operations_of_the_management_api_are_answered(hall: Standing) -> None:
    ask_management(hall, LONG)
