"""What the policy decided is decided again, and another policy is tried on what was asked."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.canonical import decode_strict
from audit.entry import Commit, Draft
from exchange.acts.register import ActError
from exchange.demo import district
from exchange.home import locked
from exchange.settings import SettingsError
from exchange.shadowing import with_shadow
from policies.bundle import build, compose, default_bundle
from tests.fakes.node import DEPARTMENTS, Standing, codes
from tests.stories.test_command_line import Terminal

FAR = 2**40
LICENCES = "307/000001"
CALLS = 4
OWNER = district.MARKET.code
RULES = f"departments/{OWNER}/closed.rego"
OBJECTION = f"""package departments["{OWNER}"]

deny contains {{"ref": req.ref, "rule": "closed", "code": "MARKET_CLOSED", "legal_basis": ["x"]}} if {{
	some req in input.requests
	req.resource == "307/000001"
}}
"""


def ask_around(here: Standing) -> None:
    """Calls that are permitted, in part permitted, and refused."""
    here.ask()
    here.ask(DEPARTMENTS)
    here.ask(purpose="work-reference")
    here.ask(case="SG-0000-0000")


@pytest.fixture
def terminal(here: Standing) -> Iterator[Terminal]:
    """A terminal beside the process that serves: acts go over its admin socket."""
    with locked(here.node.settings.home):
        yield Terminal(here.node.settings.home)


def a_candidate(path: Path, *, departments: dict[str, str] | None = None, phone: int = 40) -> str:
    """The shipped policy with a department's objection, or with another rank of the mask for phones."""
    shipped = default_bundle(expires=FAR, departments=departments)
    exchange = dict(shipped.data["exchange"])
    masks = exchange["reference"]["masks"] | {"phone": phone}
    exchange["reference"] = exchange["reference"] | {"masks": masks}
    bundle = compose(
        shipped.modules, {"exchange": exchange}, revision="candidate", expires=FAR, serial=7
    )
    path.write_bytes(build(bundle))
    return str(path)


def told_otherwise(here: Standing, index: int, *, keep: bool = True, **changes: Any) -> int:
    """Append a call's entry again with its decision changed, as a program at fault would have."""
    members = decode_strict(here.node.log.entry(index))
    opened = here.node.log.open_disclosures(index)
    ours = {"v", "id", "kind", "ts", "gateway", "digests", "applied"}
    clear = {name: held for name, held in members.items() if name not in ours}
    decision = json.loads(opened["decision"].value) | changes.pop("decision", {})
    text = json.dumps(decision, sort_keys=True, separators=(",", ":"))
    commits = [Commit(name="question", value=opened["question"].value)]
    commits += [Commit(name="decision", value=text)] if keep else []
    draft = Draft(kind="call", clear=clear | changes, commits=tuple(commits))
    return here.node.log.append(draft).index


def test_every_recorded_decision_is_made_again_and_is_equal(
    here: Standing, terminal: Terminal
) -> None:
    size = here.node.log.size
    ask_around(here)
    said = terminal.told("policy", "replay", "--since", "1d", officer="auditor")
    assert said["holds"] is True
    assert (said["calls"], said["equal"]) == (CALLS, CALLS)
    assert said["replay_per_s"] > 0
    assert [kind for kind in here.kinds(since=size) if kind != "intent"] == [
        *["call"] * CALLS,
        "policy.replayed",
    ]
    spoken = terminal.said("policy", "replay", officer="approver")
    assert f"{CALLS} equal, 0 different\nholds" in spoken


def test_one_entry_is_replayed_alone_and_pages_cover_all_of_them(here: Standing) -> None:
    ask_around(here)
    index = int(here.ask().entry["index"])
    alone = here.act("auditor", "policy.replay", entry=index)
    assert (alone["calls"], alone["equal"], alone["next"]) == (1, 1, None)
    page = here.act("auditor", "policy.replay", most=7)
    seen, end = page["equal"], page["end"]
    while page["next"] is not None:
        page = here.act("auditor", "policy.replay", most=7, after=page["next"], end=end)
        seen += page["equal"]
    assert seen == CALLS + 1


def test_only_the_time_that_is_asked_for_is_replayed(here: Standing, terminal: Terminal) -> None:
    ask_around(here)
    later = terminal.told("policy", "replay", "--since", "2126-01-01", officer="auditor")
    assert (later["calls"], later["holds"], later["replay_per_s"]) == (0, True, None)
    earlier = terminal.told("policy", "replay", "--until", "1d", officer="auditor")
    assert earlier["calls"] == 0
    assert "is no time" in terminal.refused("policy", "replay", "--since", "lately")


def test_a_decision_that_the_policy_did_not_make_is_named_with_what_differs(
    here: Standing,
    terminal: Terminal,
) -> None:
    index = int(here.ask().entry["index"])
    forged = told_otherwise(here, index, decision={"valid_until": 7})
    result = terminal.run("policy", "replay", "--json", officer="auditor")
    said = json.loads(result.stdout)
    assert (result.exit_code, said["holds"], said["equal"], said["different"]) == (1, False, 1, 1)
    (found,) = said["differing"]
    assert found["index"] == forged
    assert [part["path"] for part in found["differences"]] == ["/valid_until"]
    spoken = terminal.run("policy", "replay", officer="auditor").stdout
    assert f"entry {forged} differs" in spoken
    assert spoken.endswith("DOES NOT HOLD\n")


def test_what_cannot_be_replayed_is_reported_and_never_skipped(
    here: Standing, terminal: Terminal
) -> None:
    index = int(here.ask().entry["index"])
    told_otherwise(here, index, policy="exchange-gone")
    older = told_otherwise(here, index, keep=False)
    said = here.act("auditor", "policy.replay")
    assert (said["calls"], said["equal"], said["holds"]) == (3, 1, False)
    assert said["without_bundle"] == {"exchange-gone": 1}
    assert [one["index"] for one in said["lost"]] == [older]
    spoken = terminal.run("policy", "replay", officer="auditor").stdout
    assert "1 calls of revision exchange-gone: its bundle is not kept here" in spoken


def test_an_archive_that_was_changed_after_it_was_kept_is_not_believed(here: Standing) -> None:
    index = int(here.ask().entry["index"])
    told_otherwise(here, index, policy="candidate")
    folder = here.node.settings.home / "bundles"
    kept = Path(a_candidate(folder / "candidate.kept"))
    kept.rename(folder / f"{'0' * 64}.tar.gz")
    assert here.act("auditor", "policy.replay")["without_bundle"] == {"candidate": 1}


def test_two_policies_under_one_name_are_none(here: Standing) -> None:
    here.ask()
    shipped = default_bundle(expires=FAR, departments={RULES: OBJECTION})
    revision = here.node.ports.decisions.revision
    forged = compose(shipped.modules, shipped.data, revision=revision, expires=FAR)
    (here.node.settings.home / "bundles" / "other.tar.gz").write_bytes(build(forged))
    assert here.act("auditor", "policy.replay")["without_bundle"] == {revision: 1}


@pytest.mark.proves("L21")
def test_calls_about_an_erased_person_are_replayed_as_before(here: Standing) -> None:
    answer = here.ask()
    index = int(answer.entry["index"])
    moment = here.entry(answer)["ts"]
    about = ("enterprise", district.APPLICANT)
    (key,) = here.node.vault.keys_for([("standard", about)], at=moment).values()
    with sqlite3.connect(here.node.settings.home / "vault.db") as vault:
        destroyed = vault.execute(
            "UPDATE vault_key SET wrapped = x'', erased_at = 1 WHERE key_id = ?", (key.key_id,)
        ).rowcount
    vault.close()
    assert destroyed == 1
    assert not [name for name in here.node.log.open_disclosures(index) if "subject" in name]
    said = here.act("auditor", "policy.replay", entry=index)
    assert (said["equal"], said["holds"]) == (1, True)


def test_a_candidate_that_gives_more_is_found_out(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    index = int(here.ask().entry["index"])
    candidate = a_candidate(tmp_path / "wider.tar.gz", phone=0)
    said = terminal.told("policy", "simulate", candidate, officer="approver")
    assert (said["calls"], said["changed"], said["wider"], said["narrower"]) == (1, 1, 1, 0)
    (row,) = said["rows"]
    assert (row["change"], row["item"], row["wider"]) == ("item-unmasked", "phone", True)
    assert (row["department"], row["matter"]) == (district.HALL.code, district.MATTER)
    assert row["examples"] == [index]
    spoken = terminal.said("policy", "simulate", candidate, officer="approver")
    assert "item-unmasked" in spoken
    assert "1 calls, 1 would change: 1 wider, 0 narrower" in spoken


def test_a_department_s_objection_is_tried_on_what_was_asked(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    ask_around(here)
    size = here.node.log.size
    candidate = a_candidate(tmp_path / "closed.tar.gz", departments={RULES: OBJECTION})
    said = terminal.told("policy", "simulate", candidate, officer="approver")
    assert said["wider"] == 0
    denied = [row for row in said["rows"] if row["change"] == "allow-to-deny"]
    assert [row["rule"] for row in denied] == [f"departments.{OWNER}.closed"]
    assert denied[0]["count"] == 2
    assert here.kinds(since=size) == ["policy.simulated"]


def test_a_policy_that_decides_alike_changes_nothing_and_says_so(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    ask_around(here)
    candidate = a_candidate(tmp_path / "same.tar.gz")
    spoken = terminal.said("policy", "simulate", candidate, officer="auditor")
    assert f"{CALLS} calls, 0 would change: 0 wider, 0 narrower\nno decision would change" in spoken


def test_what_is_no_policy_is_not_simulated(
    here: Standing, terminal: Terminal, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    assert "holds no modules" in terminal.refused("policy", "simulate", str(nothing))
    (tmp_path / "text").write_text("x", encoding="utf-8")
    said = terminal.refused("policy", "simulate", str(tmp_path / "text"), officer="auditor")
    assert "gzipped tar" in said


def test_who_can_see_an_item_is_asked_of_the_policy(here: Standing, terminal: Terminal) -> None:
    size = here.node.log.size
    said = terminal.told("policy", "who-can", LICENCES, "--item", "phone", officer="market.head")
    (sight,) = said["sights"]
    assert (sight["system"], sight["grant"]) == ("hall.permit", here.grants[LICENCES])
    assert (sight["matter"], sight["purposes"]) == (district.MATTER, ["administrative-basis"])
    # As it is for a cleared officer, behind the publisher's mask for any other.
    assert (sight["items"], sight["uncleared"]) == ({"phone": "none"}, {"phone": "phone"})
    assert {"case", "party", "clearance>=2"} <= set(sight["needs"])
    assert here.kinds(since=size) == ["policy.who-can-asked"]
    listed = terminal.said("policy", "who-can", LICENCES, officer="auditor")
    assert "hall.permit" in listed


def test_nobody_can_see_an_item_once_its_grant_is_revoked(here: Standing) -> None:
    here.act("market.head", "grant.revoke", grant=here.grants[LICENCES], reason="终止")
    assert here.act("market.head", "policy.who-can", resource=LICENCES)["sights"] == []


def test_those_who_do_not_look_after_the_policy_look_at_nothing(here: Standing) -> None:
    index = int(here.ask().entry["index"])
    for officer in ("administrator", "market.head", "hall.operator"):
        with pytest.raises(ActError, match="a policy approver or an auditor needed"):
            here.act(officer, "policy.replay")
    with pytest.raises(ActError, match="a policy approver or an auditor needed"):
        here.act("hall.head", "policy.simulate", bundle="")
    for officer in ("hall.head", "ecology.head"):
        with pytest.raises(ActError, match="a policy approver or an auditor needed"):
            here.act(officer, "policy.who-can", resource=LICENCES)
    with pytest.raises(ActError, match="a policy approver or an auditor needed"):
        here.act("ecology.head", "policy.explain-entry", index=index)


def test_a_recorded_refusal_is_explained_to_who_asked(here: Standing) -> None:
    refused = int(here.ask(purpose="work-reference").entry["index"])
    said = here.act("hall.operator", "policy.explain-entry", index=refused)
    grounds = said["requests"][0]["grounds"]
    assert "GRANT_PURPOSE" in {ground["code"] for ground in grounds}
    with pytest.raises(ActError, match="is no call"):
        here.act("auditor", "policy.explain-entry", index=0)


def test_a_candidate_beside_the_live_policy_is_told_of_and_never_felt(
    here: Standing, tmp_path: Path
) -> None:
    here.serving.stop()
    candidate = a_candidate(tmp_path / "closed.tar.gz", departments={RULES: OBJECTION})
    here.serve(replace(here.node.settings, policy_shadow=candidate))
    answer = here.ask()
    assert codes(answer) == {"businessLicence": None}
    live = here.node.policy.revision
    assert here.entry(answer)["policy"] == live
    # An orderly end tells what was seen since the last minute.
    here.serving.stop()
    here.serve(replace(here.node.settings, policy_shadow=""))
    entries = [decode_strict(body) for body in here.node.log.entries(0, here.node.log.size)]
    (told,) = [entry for entry in entries if entry["kind"] == "policy.shadowed"]
    assert (told["policy"], told["candidate"]) == (live, "candidate")
    assert (told["asked"], told["wider"], told["narrower"], told["dropped"]) == (1, 0, 1, 0)
    assert told["changes"] == {"allow-to-deny": 1}


def test_a_candidate_that_cannot_be_used_stops_the_start(here: Standing, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x", encoding="utf-8")
    for path in ("nowhere.tar.gz", str(tmp_path / "text")):
        with pytest.raises(SettingsError, match="policy_shadow"):
            with_shadow(replace(here.node.settings, policy_shadow=path), here.node.policy)
