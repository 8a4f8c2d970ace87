"""Sources as departments live with them: kept for maintenance, changed behind the entry, described anew."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.acts.register import ActError
from exchange.clock import now
from exchange.demo import district
from tests.fakes.descriptions import OPENAPI
from tests.fakes.node import DEPARTMENTS, Standing, codes, lines, standing


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("sources") / "home") as found:
        yield found


def ready(here: Standing) -> dict[str, Any]:
    with httpx.Client(trust_env=False) as client:
        told: dict[str, Any] = client.get(f"{here.url}/health/ready").json()
        return told


@pytest.mark.proves("H4")
def test_a_source_kept_for_maintenance_says_until_when_and_the_others_answer(
    here: Standing,
) -> None:
    until = now() + timedelta(hours=2)
    begun = here.node.log.size
    here.act(
        "market.head", "source.rest", name="market", until=until.isoformat(), reason="数据库升级"
    )
    answer = here.ask(DEPARTMENTS)
    line = lines(answer)["businessLicence"]
    assert (line["code"], line["next"]) == ("SOURCE_MAINTENANCE", "accept-later")
    assert lines(answer)["planningPermit"]["outcome"] == "given"
    assert 7_000 < line["retryAfter"] <= 7_200
    (error,) = [e for e in answer.errors if e["extensions"]["code"] == "SOURCE_MAINTENANCE"]
    assert error["extensions"]["retryAfter"] == line["retryAfter"]
    told = ready(here)
    assert told["status"] == "ready"
    assert set(told["resting"]) == {"market"}
    here.act("market.head", "source.resume", name="market", reason="升级完成")
    assert codes(here.ask(DEPARTMENTS))["businessLicence"] is None
    kinds = here.kinds(since=begun)
    assert kinds.count("source.rests") == kinds.count("source.resumed") == 1
    assert ready(here)["resting"] == {}


def test_nobody_but_its_department_keeps_a_source_and_not_without_an_end_or_a_reason(
    here: Standing,
) -> None:
    soon = (now() + timedelta(hours=1)).isoformat()
    for officer, until, reason in (
        ("hall.head", soon, "x"),
        ("labour.head", soon, " "),
        ("labour.head", (now() - timedelta(hours=1)).isoformat(), "x"),
        ("labour.head", (now() + timedelta(days=31)).isoformat(), "x"),
    ):
        with pytest.raises(Exception, match=r"ROLE_MISSING|INVALID"):
            here.act(officer, "source.rest", name="labour", until=until, reason=reason)
    with pytest.raises(Exception, match="STATE"):
        here.act("labour.head", "source.resume", name="labour", reason="x")


@pytest.mark.proves("S9")
def test_a_column_that_is_gone_flags_the_entry_and_changes_nothing_of_it(here: Standing) -> None:
    source = here.node.live.latest().sources["market"]
    path = Path(source.address.removeprefix("sqlite:///"))
    code = next(r.code for r in here.node.live.latest().resources.values() if r.source == "market")
    before = here.act("market.operator", "resource.show", code=code)
    assert before["flag"] is None
    table = here.node.live.latest().resources[code].table
    rename(path, table, "status", "status_now")
    begun = here.node.log.size
    try:
        for _ in range(2):
            assert codes(here.ask())["businessLicence"] == "SOURCE_DRIFT"
        checked = here.act("market.operator", "source.check", name="market")
        told = next(one for one in checked["resources"] if one["resource"] == code)
        assert told == {"resource": code, "drifted": True, "items": ["status"]}
    finally:
        rename(path, table, "status_now", "status")
    after = here.act("market.operator", "resource.show", code=code)
    assert after["flag"]["items"] == ["status"]
    assert {**after, "flag": None} == before
    assert "resource.flagged" in here.kinds(since=begun)
    checked = here.act("market.operator", "source.check", name="market")
    assert not any(one["drifted"] for one in checked["resources"])
    assert here.act("market.operator", "resource.show", code=code) == before
    assert here.kinds(since=begun).count("resource.unflagged") == 1
    assert codes(here.ask())["businessLicence"] is None


def rename(path: Path, table: str, old: str, new: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    connection.close()


def test_a_described_service_is_registered_without_being_asked_again(here: Standing) -> None:
    said = here.act(
        "labour.head",
        "source.add",
        name="labour-api",
        department=district.LABOUR.code,
        kind="http",
        address=f"http://127.0.0.1:{here.labour.port}",
        description=json.dumps(OPENAPI),
    )
    assert "GET /licences/{uscc}" in said["offers"]
    offered = here.act("labour.operator", "source.tables", source="labour-api")
    assert offered == said["offers"]
    seen = here.act(
        "labour.operator",
        "resource.reflect",
        source="labour-api",
        table="GET /licences/{uscc}",
        code="LABOUR/API",
    )
    drafted = seen["resource"] | {"conditions": "行政许可办理部门", "name": "接口"}
    assert here.act("labour.operator", "resource.draft", resource=drafted)["state"] == "draft"
    assert seen["skipped"] == ["/scopes: no single value"]

    lesser = json.loads(json.dumps(OPENAPI))
    del lesser["components"]["schemas"]["Licence"]["properties"]["status"]
    said = here.act(
        "labour.operator", "source.describe", name="labour-api", description=json.dumps(lesser)
    )
    assert said["resources"] == [{"resource": "LABOUR/API", "drifted": True, "items": ["status"]}]
    with pytest.raises(ActError) as raised:
        here.act("labour.operator", "source.describe", name="labour-api", description="{}")
    assert raised.value.code == "DESCRIPTION_REFUSED"


def test_an_item_that_stands_nowhere_in_the_answer_is_not_drafted(here: Standing) -> None:
    here.act(
        "labour.operator", "source.describe", name="labour-api", description=json.dumps(OPENAPI)
    )
    seen = here.act(
        "labour.operator",
        "resource.reflect",
        source="labour-api",
        table="licence",
        code="LABOUR/API2",
    )["resource"]
    seen["conditions"] = "x"
    seen["items"][1]["column"] = "/elsewhere"
    with pytest.raises(Exception, match="no place in the answer"):
        here.act("labour.operator", "resource.draft", resource=seen)
    seen["reading"] = None
    seen["source"] = "market"
    with pytest.raises(Exception, match="another department"):
        here.act("labour.operator", "resource.draft", resource=seen)


def test_the_exchange_shows_the_key_by_which_it_signs_what_it_asks(here: Standing) -> None:
    with httpx.Client(trust_env=False) as client:
        jwk = client.get(f"{here.url}/upstream/key").json()
    assert jwk == here.act("market.operator", "source.key")
    assert (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519")
