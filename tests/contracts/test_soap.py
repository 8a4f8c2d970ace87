"""SOAP services read through zeep in a process of its own, with no network and no trust in what it reads."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from catalogue.errors import InvalidError
from catalogue.model import Resource, SourceAddress
from catalogue.readings import Absent, SoapReading
from catalogue.validation import check_source
from gateway.errors import (
    SourceDriftError,
    SourceError,
    SourceInvalidError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from gateway.model import Row
from gateway.sources.described import Choices, DescriptionError
from gateway.sources.descriptions import choices_of, describe, operations
from gateway.sources.soap import SoapSource
from gateway.sources.soap_worker import SoapWorker, is_here
from gateway.sources.wire import Wire
from gateway.sources.wsdl import bundle
from tests.contracts.test_services import a_read, registered
from tests.contracts.test_sources import CALL, ZONE, Service, service_at
from tests.fakes.calls import OTHER_USCC, USCC
from tests.fakes.soap import WSDL, a_fault, a_filing, answered, asked_for, xml

pytestmark = pytest.mark.skipif(
    not is_here() and "CI" not in os.environ, reason="zeep is not here: the extra soap"
)
TEXT = WSDL.read_text(encoding="utf-8")
NOT_FOUND = Absent(status=500, pointer="/code", value="NoSuchFiling")
CHOICES = Choices(key="/uscc", fixed=(("/version", "2"),), absent=NOT_FOUND)
FILING = registered("soap", TEXT, "Find", CHOICES)
Answering = Callable[[str], Any]


async def soap(
    answer: Answering,
    *keys: str,
    resource: Resource = FILING,
    seen: list[tuple[web.BaseRequest, bytes]] | None = None,
    timeout_s: float = 20.0,
    worker: SoapWorker | None = None,
) -> Sequence[Row]:
    async def handle(request: web.BaseRequest) -> web.Response:
        content = await request.read()
        if seen is not None:
            seen.append((request, content))
        made = answer(asked_for(content))
        return made if isinstance(made, web.Response) else xml(made)

    async with service_at() as running:
        running.answer = handle
        return await _read(running, resource, keys or (USCC,), timeout_s, worker)


async def _read(
    running: Service,
    resource: Resource,
    keys: Sequence[str],
    timeout_s: float,
    worker: SoapWorker | None,
) -> Sequence[Row]:
    source = SoapSource(
        running.base,
        wire=Wire(secret=None, timeout_s=timeout_s),
        worker=worker or SoapWorker(TEXT, timeout_s=timeout_s),
        zone=ZONE,
    )
    try:
        return await source.read(a_read(resource), keys=keys, call=CALL)
    finally:
        await source.close()


def test_a_wsdl_tells_its_operations_and_the_items_of_a_record() -> None:
    assert operations("soap", TEXT) == ["Filings.Find"]
    found = describe("soap", TEXT, "Find", CHOICES)
    assert isinstance(found.reading, SoapReading)
    assert (found.key, found.reading.records, found.reading.nothing) == ("/uscc", "/filing", True)
    declared = {field.pointer: field.declared for field in found.fields}
    assert declared == {
        "/uscc": "TEXT",
        "/filingNo": "TEXT",
        "/state": "TEXT",
        "/floors": "INTEGER",
        "/area": "DECIMAL",
        "/filedOn": "DATE",
        "/changed": "TIMESTAMP",
        "/sealed": "BOOLEAN",
        "/scan": "BYTEA",
        "/site/parcel": "TEXT",
    }
    assert found.skipped == ("/remark: no single value",)
    assert found.reading.members["/state"].values == ("filed", "withdrawn")
    again = choices_of(found.reading, key_item=found.key)
    assert describe("soap", TEXT, found.operation, again).reading == found.reading


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (Choices(key="/nothing"), "no place /nothing"),
        (Choices(records="/filings"), "no place /filings"),
        (Choices(key="/version"), "needs /uscc too"),
    ],
)
def test_what_the_wsdl_does_not_have_is_refused_by_its_name(choices: Choices, said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        describe("soap", TEXT, "Find", choices)


async def test_a_record_is_read_in_the_types_of_the_wire_and_the_request_is_numbered() -> None:
    seen: list[tuple[web.BaseRequest, bytes]] = []
    rows = await soap(lambda key: answered(a_filing(key)), USCC, OTHER_USCC, seen=seen)
    assert [row["uscc"] for row in rows] == [USCC, OTHER_USCC]
    assert {**rows[0], "uscc": ""} == {
        "uscc": "",
        "filingNo": "SF-1",
        "state": "filed",
        "floors": 3,
        "area": "1200.50",
        "filedOn": "2026-02-28",
        "changed": "2026-11-23T01:30:00.000Z",
        "sealed": True,
        "scan": "AP8",
        "siteParcel": "P-7",
    }
    request, content = seen[0]
    assert request.headers["X-Exchange-Call"] == CALL
    assert request.headers["SOAPAction"] == '"urn:example:filings#Find"'
    assert b"<ns0:version>2</ns0:version>" in content


async def test_no_record_is_an_empty_list_or_the_fault_that_was_registered_and_nothing_else() -> (
    None
):
    assert await soap(lambda _: answered("")) == []
    assert await soap(lambda _: xml(a_fault("NoSuchFiling"), status=500)) == []
    with pytest.raises(SourceInvalidError) as raised:
        await soap(lambda _: xml(a_fault("Server"), status=500))
    assert "91" not in str(raised.value)
    with pytest.raises(SourceInvalidError):
        await soap(lambda _: xml(answered(""), status=500))


async def test_what_may_be_missing_or_nil_is_null() -> None:
    nil = '<f:area xsi:nil="true"/>'
    (row,) = await soap(lambda key: answered(a_filing(key, area=nil, floors=None, site=None)))
    assert (row["area"], row["floors"], row["siteParcel"]) == (None, None, None)


@pytest.mark.proves("S6")
@pytest.mark.parametrize(
    "changes",
    [
        {"floors": "<f:floors>drei</f:floors>"},
        {"floors": "<f:floors>3.5</f:floors>"},
        {"floors": "<f:floors/>"},
        {"floors": '<f:floors xsi:nil="true"/>'},
        {"area": "<f:area>NaN</f:area>"},
        {"area": "<f:area>1e400</f:area>"},
        {"sealed": "<f:sealed>TRUE</f:sealed>"},
        {"state": "<f:state>elsewise</f:state>"},
        {"filedOn": "<f:filedOn>28.02.2026</f:filedOn>"},
        {"scan": "<f:scan>*</f:scan>"},
        {"filingNo": "<f:filingNo><b/></f:filingNo>"},
        {"site": "<f:site><f:parcel>P</f:parcel><f:owner>O</f:owner></f:site>"},
    ],
    ids=str,
)
async def test_a_value_that_was_not_described_so_is_an_error(changes: dict[str, str]) -> None:
    with pytest.raises(SourceInvalidError):
        await soap(lambda key: answered(a_filing(key, **changes)))


@pytest.mark.proves("S9")
@pytest.mark.parametrize("name", ["sealed", "filingNo", "filedOn"])
async def test_an_element_that_is_gone_is_drift_or_no_answer_and_never_a_null(name: str) -> None:
    with pytest.raises((SourceDriftError, SourceInvalidError)):
        await soap(lambda key: answered(a_filing(key, **{name: None})))


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
XXE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.proves("S6")
@pytest.mark.parametrize(
    "body",
    [
        BOMB + answered(a_filing("&c;")).partition("?>")[2],
        XXE + answered(a_filing("&a;")).partition("?>")[2],
        answered(a_filing(USCC)).replace("utf-8", "gb2312"),
        answered(a_filing(USCC)).encode("utf-16"),
        answered(a_filing(USCC))[:-20],
        "<html/>",
        answered("").replace("FindResponse", "OtherResponse"),
        answered("").replace("schemas.xmlsoap.org/soap/envelope", "example.org/other"),
        "<a>" * 5_000,
    ],
    ids=["bomb", "xxe", "encoding", "utf-16", "cut", "html", "other", "envelope", "deep"],
)
async def test_hostile_and_broken_xml_is_refused_and_the_next_call_is_answered(
    body: str | bytes,
) -> None:
    worker = SoapWorker(TEXT, timeout_s=20.0)

    def answer(key: str) -> Any:
        return xml(body) if key == USCC else answered(a_filing(key))

    async def handle(request: web.BaseRequest) -> web.Response:
        made = answer(asked_for(await request.read()))
        return made if isinstance(made, web.Response) else xml(made)

    async with service_at() as running:
        running.answer = handle
        wire = Wire(secret=None, timeout_s=20.0)
        source = SoapSource(running.base, wire=wire, worker=worker, zone=ZONE)
        with pytest.raises(SourceInvalidError) as raised:
            await source.read(a_read(FILING), keys=(USCC,), call=CALL)
        assert USCC not in str(raised.value)
        (row,) = await source.read(a_read(FILING), keys=(OTHER_USCC,), call=CALL)
        assert row["uscc"] == OTHER_USCC
        await source.close()


async def test_a_user_in_the_address_is_told_in_the_message_with_a_digest_of_the_secret() -> None:
    seen: list[tuple[web.BaseRequest, bytes]] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        content = await request.read()
        seen.append((request, content))
        return xml(answered(a_filing(asked_for(content))))

    async with service_at() as running:
        running.answer = handle
        source = SoapSource(
            running.base.replace("http://", "http://exchange@"),
            password="s3cret",
            wire=Wire(secret=None, timeout_s=20.0),
            worker=SoapWorker(TEXT, timeout_s=20.0),
            zone=ZONE,
        )
        rows = [
            row
            for _ in range(2)
            for row in await source.read(a_read(FILING), keys=(USCC,), call=CALL)
        ]
        await source.close()
    assert [row["uscc"] for row in rows] == [USCC, USCC]
    nonces = set()
    for request, content in seen:
        assert "Authorization" not in request.headers
        assert b"s3cret" not in content
        told = dict(re.findall(r"<\w+:(\w+)(?: [^>]*)?>([^<]+)</", content.decode()))
        assert told["Username"] == "exchange"
        nonce = base64.b64decode(told["Nonce"])
        digest = hashlib.sha1(  # noqa: S324  The profile has it so.
            nonce + told["Created"].encode() + b"s3cret"
        ).digest()
        assert told["Password"] == base64.b64encode(digest).decode()
        nonces.add(nonce)
    assert len(nonces) == 2


def test_a_password_in_the_address_and_a_user_without_a_secret_are_refused() -> None:
    for address, said in (
        ("https://exchange:s3cret@filings.example/soap", "not in a secret"),
        ("https://exchange@filings.example/soap", "needs a secret"),
    ):
        with pytest.raises(InvalidError) as raised:
            check_source(SourceAddress(name="f", department="d", kind="soap", address=address))
        assert said in str(raised.value)
        assert "s3cret" not in str(raised.value)


async def test_attachments_are_refused_with_what_is_needed() -> None:
    include = (
        '<f:scan><x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:1"/></f:scan>'
    )
    with pytest.raises(SourceInvalidError) as raised:
        await soap(lambda key: answered(a_filing(key, scan=include)))
    assert "in the message" in str(raised.value)
    with pytest.raises(SourceInvalidError) as raised:
        await soap(lambda key: xml(answered(a_filing(key)), media="multipart/related"))
    assert "attachments" in str(raised.value)


@pytest.mark.proves("S3")
async def test_a_process_that_takes_too_long_is_ended_and_another_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = SoapWorker(TEXT, timeout_s=0.0)
    with pytest.raises(SourceTimeoutError):
        await worker.ask({"do": "operations"})
    monkeypatch.setattr(worker, "_timeout_s", 20.0)
    assert await worker.ask({"do": "operations"}) == {"operations": ["Filings.Find"]}
    process = worker._process
    assert process is not None
    process.kill()
    await process.wait()
    with pytest.raises(SourceUnavailableError):
        await worker.ask({"do": "operations"})
    assert await worker.ask({"do": "operations"}) == {"operations": ["Filings.Find"]}
    await worker.close()


@pytest.mark.proves("S1")
async def test_a_service_that_is_not_there_or_says_no_is_unavailable() -> None:
    with pytest.raises(SourceError):
        await soap(lambda _: xml("", status=503))
    with pytest.raises(SourceInvalidError):
        await soap(lambda _: xml("{}", media="application/json"))


def test_a_wsdl_is_kept_with_what_it_imports_from_beside_it_and_nothing_is_fetched(
    tmp_path: Path,
) -> None:
    schema = TEXT[TEXT.index("<xsd:schema") : TEXT.index("</wsdl:types>")]
    (tmp_path / "types").mkdir()
    beside = schema.replace(
        "<xsd:schema",
        '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:f="urn:example:filings"',
    )
    (tmp_path / "types" / "filing.xsd").write_text(beside, encoding="utf-8")
    imported = (
        '<xsd:schema><xsd:import namespace="urn:example:filings" schemaLocation="{}"/></xsd:schema>'
    )
    for place, said in (
        ("types/filing.xsd", ""),
        ("types/other.xsd", "no file in UTF-8 beside"),
        ("http://192.0.2.1/filing.xsd", "would have to be fetched"),
        ("../filing.xsd", "outside the WSDL's folder"),
    ):
        text = TEXT.replace(schema, imported.format(place))
        (tmp_path / "service.wsdl").write_text(text, encoding="utf-8")
        if said:
            with pytest.raises(DescriptionError, match=said):
                bundle(tmp_path / "service.wsdl")
            # Whatever way such a document came in: what is not in it is not read.
            with pytest.raises(DescriptionError):
                operations("soap", text)
            continue
        bundled = bundle(tmp_path / "service.wsdl")
        assert set(json.loads(bundled)["documents"]) == {"service.wsdl", "types/filing.xsd"}
        (tmp_path / "types" / "filing.xsd").unlink()
        assert describe("soap", bundled, "Find", CHOICES).reading == FILING.reading
    assert bundle(WSDL) == TEXT


@pytest.mark.parametrize("text", [BOMB + "<x>&c;</x>", XXE + "<x>&a;</x>", "<x/>", "{}", "no XML"])
def test_a_description_that_is_none_or_hostile_is_refused(text: str) -> None:
    with pytest.raises(DescriptionError):
        operations("soap", text)
