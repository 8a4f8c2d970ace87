"""Who may call: requests sent twice, changed, unsigned or by token, over HTTP and across a restart."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from audit.canonical import commit_value
from exchange.client.errors import ReceiptError, RefusedError
from exchange.client.receipts import check_own_call
from exchange.client.signing import TokenAuth, usage_header
from exchange.demo import district
from exchange.demo.setup import SYSTEM
from exchange.identity.keys import decode_base64url, encode_base64url
from tests.fakes.node import JOINING, USAGE, Standing, codes, lines

ENGINEER = "query Engineer($e: ID!) { person(id: $e) { registeredEngineer { name certNo } } }"
PERMIT = "query Permit($e: ID!) { enterprise(uscc: $e) { planningPermit { permitNo } } }"


def code_of(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def token(here: Standing, *, bound: bool) -> TokenAuth:
    return TokenAuth(here.place.systems[SYSTEM], system=SYSTEM, base_url=here.url, bound=bound)


@pytest.mark.proves("I6")
def test_a_request_sent_twice_is_answered_once(here: Standing) -> None:
    request = here.signed(here.write())
    first, second = here.send(request), here.send(request)
    assert first.status_code == 200
    assert first.json()["data"]["enterprise"]["businessLicence"]
    assert (second.status_code, code_of(second)) == (401, "REPLAYED")
    assert here.sources.reads == ["market"]


@pytest.mark.proves("I6")
def test_a_request_sent_again_after_a_restart_is_not_answered_and_is_recorded(
    here: Standing,
) -> None:
    request = here.signed(here.write())
    assert here.send(request).json()["data"]["enterprise"]["businessLicence"]
    here.serving.stop()
    here.serve(here.node.settings)
    size = here.node.log.size
    again = here.send(request)
    assert again.status_code == 401
    assert "云岫栖筑" not in again.text
    assert "REPLAYED" in again.text
    assert here.node.log.size == size + 1


@pytest.mark.proves("I6")
def test_a_request_to_a_case_is_carried_out_once(here: Standing) -> None:
    auth = here.signed(
        httpx.Request("POST", f"{here.url}/cases/SG-2026-0117/pause", json={"reason": "补正"})
    )
    assert here.send(auth).status_code == 200
    here.as_system().case_action("SG-2026-0117", "resume", reason="补正完成")
    again = here.send(auth)
    assert again.json()["code"] in {"REPLAYED", "STATE"}
    assert again.status_code != 200
    assert codes(here.ask()) == {"businessLicence": None}


@pytest.mark.proves("I7")
def test_a_body_changed_on_its_way_is_refused(here: Standing) -> None:
    request = here.signed(here.write())
    stranger = request.content.replace(district.APPLICANT.encode(), district.STRANGER.encode())
    assert stranger != request.content
    size = here.node.log.size
    changed = httpx.Request("POST", request.url, headers=request.headers, content=stranger)
    response = here.send(changed)
    assert response.status_code == 401
    assert "data" not in response.json()
    assert here.sources.reads == []
    assert here.node.log.size == size


@pytest.mark.proves("I8")
def test_usage_told_twice_and_unlike_is_refused_and_recorded(here: Standing) -> None:
    other = type(USAGE)(
        **{name: getattr(USAGE, name) for name in USAGE.__struct_fields__} | {"case": "X"}
    )
    size = here.node.log.size
    request = here.write(headers={"exchange-usage": usage_header(other)})
    response = here.send(here.signed(request))
    assert (response.status_code, code_of(response)) == (400, "USAGE_CONFLICT")
    assert here.sources.reads == []
    assert here.node.log.size == size + 1
    same = here.write(headers={"exchange-usage": usage_header(USAGE)})
    assert here.send(here.signed(same)).status_code == 200


@pytest.mark.proves("I8")
def test_usage_put_into_the_header_after_signing_is_refused(here: Standing) -> None:
    request = here.signed(here.write(usage=None))
    request.headers["exchange-usage"] = usage_header(USAGE)
    assert here.send(request).status_code == 401
    assert here.sources.reads == []


Change = Callable[[httpx.Request], httpx.Request]


def anew(request: httpx.Request, *, content: bytes | None = None, **headers: str) -> httpx.Request:
    """The same request with another body or other headers, before it is signed."""
    kept = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    body = request.content if content is None else content
    return httpx.Request("POST", request.url, content=body, headers=kept)


def with_second(name: str) -> Change:
    """The signed request with one of its headers twice, the second time with another value."""

    def change(request: httpx.Request) -> httpx.Request:
        raw = [*request.headers.raw, (name.encode(), b"x")]
        return httpx.Request("POST", request.url, content=request.content, headers=raw)

    return change


def with_header(name: str, value: str | None) -> Change:
    def change(request: httpx.Request) -> httpx.Request:
        request.headers.pop(name, None)
        if value is not None:
            request.headers[name] = value
        return request

    return change


@pytest.mark.proves("I9")
@pytest.mark.parametrize(
    "change",
    [
        *(with_header(name, None) for name in ("signature", "signature-input", "content-digest")),
        *(with_second(name) for name in ("signature", "signature-input", "content-digest")),
        *(with_header("signature", value) for value in ("", "sig=", "sig=:!:", "x" * 5_000)),
        *(
            with_header("signature-input", value)
            for value in ("sig=(", 'sig=("@method" "@method")', "sig=();created=x", "sig=1")
        ),
        with_header("content-digest", "sha-256=::"),
        with_header("content-type", "text/plain"),
    ],
    ids=lambda change: change.__qualname__.split(".")[0],
)
def test_a_missing_doubled_or_malformed_header_is_refused(here: Standing, change: Change) -> None:
    response = here.send(change(here.signed(here.write())))
    assert response.status_code in {400, 401, 415}
    assert "data" not in response.json()
    assert code_of(response)
    assert here.sources.reads == []


@pytest.mark.proves("I9")
def test_a_signed_body_of_another_kind_is_refused_and_recorded(here: Standing) -> None:
    plain = here.write()
    cases = {
        (415, "MEDIA_TYPE_UNSUPPORTED"): anew(plain, content_type="text/plain"),
        (406, "NOT_ACCEPTABLE"): anew(plain, accept="text/html"),
        (400, "BODY_INVALID"): anew(plain, content=b"\xef\xbb\xbf" + plain.content),
    }
    for told, request in cases.items():
        response = here.send(here.signed(request))
        assert (response.status_code, code_of(response)) == told
        assert "data" not in response.json()
    for method in ("GET", "PUT", "DELETE"):
        asked = httpx.Request(method, plain.url)
        assert here.send(asked).status_code == 405
    assert here.sources.reads == []


@pytest.mark.proves("I14")
def test_a_plain_bearer_token_opens_unconditional_data_only(here: Standing) -> None:
    client = here.as_system(auth=token(here, bound=False))
    personal = client.query(ENGINEER, {"e": district.ENGINEER}, usage=USAGE)
    assert codes(personal) == {"registeredEngineer": "BEARER_TOKEN"}
    conditional = client.query(
        "query L($e: ID!) { enterprise(uscc: $e) { businessLicence { entName } } }",
        {"e": district.APPLICANT},
        usage=USAGE,
    )
    assert codes(conditional) == {"businessLicence": "BEARER_TOKEN"}
    assert here.sources.reads == []
    assert codes(client.query(PERMIT, {"e": district.APPLICANT}, usage=USAGE)) == {
        "planningPermit": None
    }


@pytest.mark.proves("I14")
def test_a_token_bound_to_the_callers_key_opens_what_a_signature_opens(here: Standing) -> None:
    client = here.as_system(auth=token(here, bound=True))
    answer = client.query(ENGINEER, {"e": district.ENGINEER}, usage=USAGE)
    assert codes(answer) == {"registeredEngineer": None}
    assert here.entry(answer)["auth"] == "dpop"


def opening(here: Standing, index: int) -> dict[str, Any]:
    """What a review discloses of a call: salt and value of its caller's signature."""
    opened = here.node.log.open_disclosure(index, "signature")
    assert opened is not None
    return {"salt": opened.salt, "value": opened.value}


@pytest.mark.proves("I13")
@pytest.mark.parametrize("bound", [True, False])
def test_a_call_of_ours_is_shown_to_be_signed_by_us_and_by_nobody_else(
    here: Standing, *, bound: bool
) -> None:
    client = here.as_system(auth=token(here, bound=True)) if bound else here.as_system()
    answer = client.query(ENGINEER, {"e": district.ENGINEER}, usage=USAGE)
    assert answer.receipt is not None
    entry = str(answer.receipt["entry"]).encode()
    shown = opening(here, int(answer.entry["index"]))
    public = here.place.systems[SYSTEM].private.public_key()
    own = check_own_call(entry, opening=shown, public=public)
    assert own.key == here.place.systems[SYSTEM].id
    other = here.place.systems[JOINING].private.public_key()
    with pytest.raises(ReceiptError) as refused:
        check_own_call(entry, opening=shown, public=other)
    assert refused.value.step == "signature"


@pytest.mark.proves("I13")
def test_an_entry_that_the_operator_makes_up_is_no_call_of_ours(here: Standing) -> None:
    answer = here.ask()
    assert answer.receipt is not None
    public = here.place.systems[SYSTEM].private.public_key()
    # All that the operator has seen of us goes into an entry about somebody else, committed to as it
    # should be; only the signature over it has to be invented.
    shown = opening(here, int(answer.entry["index"]))
    base = decode_base64url(shown["value"]["base"])
    later = re.sub(rb"created=\d+", b"created=1795999999", base)
    assert later != base
    value = {**shown["value"], "base": encode_base64url(later)}
    digest = commit_value(shown["salt"], "signature", value)
    entry = json.loads(answer.receipt["entry"])
    entry["digests"]["signature"] = digest
    with pytest.raises(ReceiptError) as refused:
        check_own_call(json.dumps(entry).encode(), opening={**shown, "value": value}, public=public)
    assert refused.value.step == "signature"


@pytest.mark.proves("I13")
def test_what_opens_one_call_opens_no_other(here: Standing) -> None:
    first, second = here.ask(), here.ask()
    assert first.receipt is not None
    public = here.place.systems[SYSTEM].private.public_key()
    with pytest.raises(ReceiptError):
        check_own_call(
            str(first.receipt["entry"]).encode(),
            opening=opening(here, int(second.entry["index"])),
            public=public,
        )


@pytest.mark.proves("W12")
def test_a_flood_of_unsigned_calls_leaves_one_line_in_the_log(here: Standing) -> None:
    size = here.node.log.size
    with httpx.Client(trust_env=False) as stranger:
        for n in range(60):
            unsigned = here.write(e=f"stranger-{n}")
            assert stranger.send(unsigned).status_code == 401
            assert stranger.get(f"{here.url}/receipts/{n}").status_code == 401
    assert here.node.log.size == size
    here.restart()
    assert here.kinds(since=size) == ["strangers.counted"]
    body = json.loads(here.node.log.entry(size))
    assert sum(body["codes"].values()) == 120


def test_a_refusal_of_an_operator_who_is_nobody_is_recorded(here: Standing) -> None:
    size = here.node.log.size
    with pytest.raises(RefusedError, match="USAGE_INVALID"):
        here.ask(operator="NOBODY-1")
    assert here.node.log.size == size + 1


def test_a_receipt_is_given_again_to_who_called_and_to_nobody_else(here: Standing) -> None:
    answer = here.ask()
    index = int(answer.entry["index"])
    again = here.as_system().receipt(index)
    assert answer.receipt is not None
    assert again["entry"] == answer.receipt["entry"]
    with pytest.raises(RefusedError, match="NOT_FOUND"):
        here.as_system().receipt(2)
    assert here.kinds(since=index + 1) == ["receipt.read", "receipt.read"]
    assert lines(answer)["businessLicence"]["outcome"] == "given"
