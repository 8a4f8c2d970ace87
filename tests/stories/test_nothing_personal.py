"""Whoever takes the whole home away, files of departments apart, reads nobody's name or case in it."""

import base64
import json
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.client.errors import RefusedError
from exchange.client.session import Party
from exchange.clock import now
from exchange.demo import district
from tests.fakes.node import Standing, codes

CASE = "SG-2026-7531"
REASON = "缘由种子-建筑工程施工许可核发-甲乙丙"
STAFF = "SEED-STAFF-4711"
NAME = "欧阳种子"
PERSON = district.OTHER_PERSON
FIRM = district.STRANGER
FILTER = "FILTER-SEED-0815"
UNKNOWN = "UNKNOWN-SEED-2342"
OUTCOME = "准予种子-结果"
BASIS = "情形种子-核验申请人"
SEEDS = (CASE, REASON, STAFF, NAME, PERSON, FIRM, FILTER, UNKNOWN, OUTCOME, BASIS)

APART = ("files",)
"""Demo sources and the keys of officers stand there; they are the departments', not the exchange's."""


def spellings(seed: str) -> Iterator[bytes]:
    """The ways in which a text may stand in a file: encodings, escapes, and base64 at each offset."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        raw = seed.encode(encoding)
        yield raw
        for shift in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                yield encode(b"\0" * shift + raw)[4 if shift else 0 : -4]
    yield json.dumps(seed)[1:-1].encode()
    yield seed.encode().hex().encode()


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and whatever unpacks out of it from wherever a zlib or gzip stream may begin."""
    raw = path.read_bytes()
    yield raw
    for start in (*_positions(raw, b"\x78"), *_positions(raw, b"\x1f\x8b")):
        unpacked = _unpacked(raw[start : start + 65_536])
        if unpacked:
            yield unpacked


def _positions(raw: bytes, first: bytes) -> Iterator[int]:
    found = raw.find(first)
    while found >= 0:
        yield found
        found = raw.find(first, found + 1)


def _unpacked(raw: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=47)
    try:
        return stream.decompress(raw, 262_144)
    except zlib.error:
        return b""


def places_of(seeds: tuple[str, ...], home: Path) -> dict[str, set[str]]:
    """Return the files in which each seed can be read, in whatever spelling."""
    looked_for = {seed: tuple(spellings(seed)) for seed in seeds}
    found: dict[str, set[str]] = {}
    for path in home.rglob("*"):
        place = path.relative_to(home)
        if not path.is_file() or place.parts[0] in APART:
            continue
        for content in contents(path):
            for seed, ways in looked_for.items():
                if any(way in content for way in ways):
                    found.setdefault(seed, set()).add(str(place))
    return found


def live_through(here: Standing) -> None:
    """Everything that takes free text, an identifier or a person, once with a seed."""
    here.act(
        "administrator",
        "officer.import",
        rows=[
            {
                "department": district.HALL.code,
                "staff_number": STAFF,
                "name": NAME,
                "roles": ["operator"],
                "clearance": 1,
            }
        ],
    )
    hall, intake = here.as_system(), here.as_system("hall.intake")
    hall.put_case(
        CASE,
        matter=district.MATTER,
        parties=[
            Party(type="person", identifier=PERSON),
            Party(type="enterprise", identifier=FIRM),
        ],
        accepted_at=now() - timedelta(minutes=1),
    )
    intake.case_action(CASE, "attest", system="hall.permit")
    usage: dict[str, Any] = {"case": CASE, "reason": REASON, "operator": STAFF}
    given = here.ask(e=FIRM, **usage)
    assert codes(given) == {"businessLicence": None}
    person = "query P($e: ID!) { person(id: $e) { registeredEngineer { name certNo } } }"
    assert codes(here.ask(person, e=PERSON, **usage)) == {"registeredEngineer": None}
    claim = """query V($e: ID!, $s: String) {
      verifyBusinessLicence(uscc: $e, claims: {status: $s}) { result }
    }"""
    here.ask(claim, variables={"e": FIRM, "s": FILTER}, **usage)
    here.ask(e=district.APPLICANT, **usage)
    for document, changes in (
        (f"query N($e: ID!) {{ enterprise(uscc: $e) {{ {UNKNOWN.replace('-', '_')} }} }}", {}),
        ("query B($e: ID!) { enterprise(uscc: $e) { uscc } }", {"e": UNKNOWN}),
        ("query O($e: ID!) { enterprise(uscc: $e) { uscc } }", {"operator": UNKNOWN}),
        (f'{{ enterprise(uscc: "{PERSON}") {{ businessLicence {{ entName }} }} }}', {}),
        (f"syntax {UNKNOWN} {{", {}),
    ):
        try:
            here.ask(document, **{**usage, **changes})
        except RefusedError:
            continue
    here.act("auditor", "audit.search", case=CASE, subject=["person", PERSON])
    here.act("market.head", "grant.suspend", grant=here.grants["307/000001"], reason=REASON)
    asked = here.act(
        "hall.operator",
        "request.create",
        wanted={
            "resource": "311/000001",
            "systems": ["hall.permit"],
            "items": ["amount"],
            "match": ["uscc"],
            "matters": [district.MATTER],
            "purposes": ["administrative-basis"],
            "channels": ["query"],
            "legal_basis": "《建筑法》第八条",
            "scenario": BASIS,
            "not_before": now().isoformat(),
            "not_after": (now() + timedelta(days=30)).isoformat(),
        },
    )
    here.act("hall.head", "request.sign", request=asked["id"])
    here.act("labour.head", "request.refuse", request=asked["id"], reason=REASON)
    hall.case_action(CASE, "close", result=OUTCOME)


@pytest.mark.proves("L11")
def test_no_seed_can_be_read_in_any_file_of_the_home(
    here: Standing, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    live_through(here)
    home = here.node.settings.home
    # Looked at while it serves, so that the write-ahead files are there, too; then after the end.
    assert {"log.db-wal", "registry.db-wal", "vault.db-wal"} <= {p.name for p in home.iterdir()}
    assert places_of(SEEDS, home) == {}
    here.serving.stop()
    assert places_of(SEEDS, home) == {}
    said = "".join((*capfd.readouterr(), caplog.text))
    assert [seed for seed in SEEDS if seed in said] == []
    here.serve(here.node.settings)


@pytest.mark.proves("L11")
def test_the_auditor_finds_the_same_call_by_what_no_file_holds(here: Standing) -> None:
    live_through(here)
    by_case = here.act("auditor", "audit.search", case=CASE)["entries"]
    by_person = here.act("auditor", "audit.search", subject=["person", PERSON])["entries"]
    assert by_case
    assert by_person
    assert {row["index"] for row in by_person} & {row["index"] for row in by_case}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_scan_finds_a_canary_wherever_it_is_planted(here: Standing, seed: str) -> None:
    home = here.node.settings.home
    here.raw_sql("UPDATE department SET name_en = ? WHERE code = ?", seed, district.AUDIT.code)
    assert places_of((seed,), home)[seed] <= {"registry.db", "registry.db-wal"}
    planted = home / "exports" / "planted"
    for content in (
        seed.encode("utf-16-le"),
        b"?" + base64.b64encode(b"?" + seed.encode()),
        b"before" + zlib.compress(f'{{"name": "{seed}"}}'.encode()) + b"after",
        json.dumps({"name": seed}).encode(),
    ):
        planted.write_bytes(content)
        assert "exports/planted" in places_of((seed,), home)[seed]
