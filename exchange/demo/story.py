"""The building-permit story, told on the terminal: each sentence is checked as it is told."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit import verify as verifier
from audit.checkpoint import parse_checkpoint
from audit.note import parse_note
from audit.policy_file import LogLine, Policy, WitnessLine
from exchange.client.session import Answer, Exchange, Party
from exchange.clock import now
from exchange.demo import district, tamper
from exchange.demo.setup import (
    CASE,
    DEPOSIT,
    INTAKE,
    LICENCE,
    PUBLISHED,
    SYSTEM,
    District,
    agree,
    ask_for,
)
from exchange.demo.sources import LabourService
from exchange.demo.witness import DepartmentWitness
from gateway.model import Usage

PERMIT = """query Permit($e: ID!) {
  enterprise(uscc: $e) {
    businessLicence { entName legalRep phone status validUntil }
    planningPermit { permitNo projectName validUntil }
    environmentalApprovals { approvalNo category validUntil }
    qualification { certNo grade contactPhone status validUntil }
    wageDeposit { amount state paidOn }
  }
}"""
STANDING = """query Standing($e: ID!) {
  applicant: verifyQualification(uscc: $e, claims: {valid: true}) { result }
}"""
ENGINEER = "query Engineer($p: ID!) { person(id: $p) { registeredEngineer { name certNo } } }"


class Story:
    """Tells, checks, and counts what did not come out."""

    def __init__(
        self,
        place: District,
        *,
        base_url: str,
        say: Callable[[str], None],
        witness: DepartmentWitness,
    ) -> None:
        self.place = place
        self.witness = witness
        self.say = say
        self.failed: list[str] = []
        self.grants: dict[str, str] = {}
        self._hall = Exchange(base_url, key=place.systems[SYSTEM], vkey=place.node.vkey)
        self._intake = Exchange(base_url, key=place.systems[INTAKE], vkey=place.node.vkey)
        self.held: Answer | None = None
        """The answer whose receipt the hall keeps of the refused look; None until it happened."""

    def close(self) -> None:
        self._hall.close()
        self._intake.close()

    def check(self, sentence: str, *, holds: bool, found: object = "") -> None:
        """Tell one sentence; one that does not hold is told as such and remembered."""
        if holds:
            self.say(f"  ✓ {sentence}")
        else:
            self.failed.append(sentence)
            self.say(f"  ✗ {sentence}\n    found: {found}")

    def chapter(self, title: str) -> None:
        self.say(f"\n{title}")

    def ask(self, document: str, variables: dict[str, Any]) -> Answer:
        """Ask as the hall's system on behalf of its clerk, in the story's case."""
        usage = Usage(
            matter=district.MATTER,
            case=CASE,
            purpose="administrative-basis",
            reason="建筑工程施工许可核发",
            operator="HALL-011",
        )
        return self._hall.query(document, variables, usage=usage)

    def tell(self, labour: LabourService) -> None:
        """Tell the whole story."""
        self.open_case()
        self.first_question()
        self.grant_opens()
        self.somebody_else()
        self.expired()
        self.source_stops(labour)
        self.revoked()
        self.prove()
        self.attack()
        self.leave_a_request()

    def open_case(self) -> None:
        self.chapter("1. An applicant comes to the hall")
        case = self._hall.put_case(
            CASE,
            matter=district.MATTER,
            parties=[
                Party(type="enterprise", identifier=district.APPLICANT, role="applicant"),
                Party(type="enterprise", identifier=district.DESIGNER, role="designer"),
                Party(type="person", identifier=district.ENGINEER, role="engineer"),
            ],
            accepted_at=now() - timedelta(minutes=5),
        )
        self.check(f"the hall opens case {CASE} with three parties", holds=case["parties"] == 3)
        attested = self._intake.case_action(CASE, "attest", system=SYSTEM)
        self.check("the intake platform attests it", holds=attested["attested"] is True)
        for entry in PUBLISHED:
            request = ask_for(self.place, entry.code)
            if entry.sharing_class == "conditional":
                self.grants[entry.code] = agree(self.place, request, entry.code)
        self.check(
            "four grants were agreed, one issued by law: unconditional data is granted on request",
            holds=len(self.grants) == 4,
            found=self.grants,
        )

    def first_question(self) -> None:
        self.chapter("2. One question to five departments")
        answer = self.ask(PERMIT, {"e": district.APPLICANT})
        record = (answer.data or {}).get("enterprise") or {}
        licence, line = record.get("businessLicence") or {}, _lines(answer)
        self.check(
            "the licence is given", holds=licence.get("status") == "存续", found=answer.errors
        )
        self.check(
            f"the phone is masked as the publisher decided: {licence.get('phone')}",
            holds="*" in str(licence.get("phone"))
            and line["businessLicence"]["masked"] == ["phone"],
            found=line.get("businessLicence"),
        )
        self.check(
            "planning permit, environmental approvals and qualification are given",
            holds=bool(record.get("planningPermit"))
            and len(record.get("environmentalApprovals") or []) == 2
            and bool(record.get("qualification")),
            found=record,
        )
        deposit = line.get("wageDeposit", {})
        self.check(
            "the wage deposit is refused: GRANT_MISSING, next: ask for it",
            holds=(deposit.get("code"), deposit.get("next")) == ("GRANT_MISSING", "ask"),
            found=deposit,
        )
        self.check(
            f"the answer carries its receipt, checked on arrival: {answer.state}",
            holds=answer.state == "signed",
        )

    def grant_opens(self) -> None:
        self.chapter("3. The request and the grant that open it")
        request = ask_for(self.place, DEPOSIT)
        try:
            self.place.act("hall.head", "grant.give", request=request, terms={})
        except Exception as error:  # noqa: BLE001 - whatever refuses it is shown
            self.check("who asked may not agree to it", holds=True, found=error)
        else:
            self.check("who asked may not agree to it", holds=False, found="it was granted")
        self.grants[DEPOSIT] = agree(self.place, request, DEPOSIT)
        answer = self.ask(PERMIT, {"e": district.APPLICANT})
        deposit = ((answer.data or {}).get("enterprise") or {}).get("wageDeposit") or {}
        self.check(
            "the labour bureau agrees, and the next call has it",
            holds=deposit.get("amount") == "1200000.00",
            found=answer.errors,
        )

    def somebody_else(self) -> None:
        self.chapter("4. An officer looks at somebody who is no party")
        answer = self.ask(PERMIT, {"e": district.STRANGER})
        line = _lines(answer)["businessLicence"]
        self.check(
            "refused: SUBJECT_NOT_PARTY, and nothing was asked of any department",
            holds=line["code"] == "SUBJECT_NOT_PARTY",
            found=line,
        )
        self.held = answer
        person = self.ask(ENGINEER, {"p": district.OTHER_PERSON})
        self.check(
            "a person who is no party is refused just so",
            holds=_lines(person)["registeredEngineer"]["code"] == "SUBJECT_NOT_PARTY",
            found=person.outcomes,
        )
        found = self.place.act("auditor", "audit.search", decision="refused", first=1)["entries"]
        self.check(
            "it stands first on the auditor's list of refusals",
            holds=bool(found) and found[0]["index"] == person.entry["index"],
            found=found,
        )

    def expired(self) -> None:
        self.chapter("5. A qualification that has expired")
        answer = self.ask(STANDING, {"e": district.DESIGNER})
        result = ((answer.data or {}).get("applicant") or {}).get("result")
        self.check(
            "verify says NOT_VALID, without giving data", holds=result == "NOT_VALID", found=answer
        )
        answer = self.ask(STANDING, {"e": district.APPLICANT})
        result = ((answer.data or {}).get("applicant") or {}).get("result")
        self.check("the applicant's own is a MATCH", holds=result == "MATCH", found=answer)

    def source_stops(self, labour: LabourService) -> None:
        self.chapter("6. A department's source stops")
        labour.stop()
        answer = self.ask(PERMIT, {"e": district.APPLICANT})
        lines = _lines(answer)
        self.check(
            "the labour bureau is unavailable, which is not the same as not found",
            holds=lines["wageDeposit"]["outcome"] == "unavailable",
            found=lines["wageDeposit"],
        )
        self.check(
            "the other four answer",
            holds=all(
                lines[name]["outcome"] in {"given", "partly-given"}
                for name in lines
                if name != "wageDeposit"
            ),
            found=lines,
        )
        words = next(
            (e["message"] for e in answer.errors if "wageDeposit" in e.get("path", [])), ""
        )
        self.check(f"the clerk reads: {words}", holds="数据源" in words, found=answer.errors)

    def revoked(self) -> None:
        self.chapter("7. A grant is revoked")
        self.place.act(
            "housing.head", "grant.revoke", grant=self.grants["310/000001"], reason="演示"
        )
        answer = self.ask(PERMIT, {"e": district.APPLICANT})
        line = _lines(answer)["qualification"]
        self.check(
            "the very next call: GRANT_REVOKED", holds=line["code"] == "GRANT_REVOKED", found=line
        )

    def leave_a_request(self) -> None:
        self.chapter("10. What waits")
        request = ask_for(self.place, LICENCE, items=("entName", "capital"))
        waiting = self.place.act("market.head", "request.list")["rows"]
        self.check(
            "the hall asks for the registered capital too: it waits in the market bureau's inbox",
            holds=any(row["id"] == request and row["state"] == "submitted" for row in waiting),
            found=waiting,
        )

    def prove(self) -> None:
        self.chapter("8. The receipt, without the exchange")
        answer = self.ask(PERMIT, {"e": district.APPLICANT})
        folder = self.place.node.settings.home / "exports"
        kept = folder / "answer.json"
        kept.write_bytes(answer.raw)
        (folder / "receipt.json").write_text(json.dumps(answer.receipt, ensure_ascii=False))
        (folder / "request.json").write_bytes(answer.request)
        said = self._verify(folder, kept)
        self.check(
            "one file and no server: this is what was given", holds=said.returncode == 0, found=said
        )
        changed = folder / "answer-changed.json"
        changed.write_bytes(answer.raw.replace("存续".encode(), "注销".encode(), 1))
        said = self._verify(folder, changed)
        self.check(
            "one word changed in a copy: the step that differs is named",
            holds=said.returncode == 1 and "answer.s1" in said.stdout,
            found=said.stdout,
        )

    def _verify(self, folder: Path, answer: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own interpreter on our own file
            [
                sys.executable,
                str(verifier.__file__),
                str(folder / "receipt.json"),
                "--vkey",
                self.place.node.vkey,
                "--answer",
                str(answer),
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    def attack(self) -> None:
        self.chapter("9. The operator tries")
        node = self.place.node
        copy = node.settings.home / "exports" / "copy"
        index, said = tamper.change_a_byte(node, copy)
        self.check(
            f"a byte of entry {index} changed in a copy: {said}",
            holds=f"entry {index}" in said,
            found=said,
        )
        receipt = (self.held.receipt if self.held else None) or {}
        deleted, said = tamper.delete_and_sign_again(node, copy, receipt=receipt)
        self.check(
            f"the refused look, entry {deleted}, deleted and the log signed again with its own key: {said}",
            holds="checkpoint" in said,
            found=said,
        )
        self.ask_the_witness(deleted)
        grant, line = tamper.insert_a_grant(
            node, lambda: self.ask(PERMIT, {"e": district.APPLICANT})
        )
        self.check(
            "a grant inserted by SQL changes nothing: the next call is still refused",
            holds=line["code"] == "GRANT_REVOKED",
            found=line,
        )
        said = self.place.act("auditor", "audit.fsck-registry")
        named = [finding["where"] for finding in said["findings"]]
        self.check(
            f"and the row is named: {named}", holds=any(grant in name for name in named), found=said
        )
        tamper.remove_the_grant(node, grant)
        said = self.place.act("auditor", "audit.fsck-registry")
        self.check("once it is gone the registry holds again", holds=said["holds"], found=said)
        said = self.place.act("auditor", "audit.verify-log")
        self.check(
            f"the log itself, {said['size']} entries, holds", holds=said["holds"], found=said
        )

    def _cosigned_beyond(self, index: int) -> int:
        """Wait until the witness has cosigned a tree with the entry, and return the tree's size.

        At most one checkpoint a second is published, and only what is published is cosigned.
        """
        node = self.place.node
        for _ in range(50):
            node.witnessing.round()
            size = parse_checkpoint(parse_note(node.log.published()).text).size
            if size > index:
                return size
            time.sleep(0.1)
        raise TimeoutError(f"entry {index} is under no published checkpoint")

    def ask_the_witness(self, index: int) -> None:
        """The same forgery, shown to somebody who remembers: no receipt is needed to see it."""
        node, witness = self.place.node, self.witness
        size = self._cosigned_beyond(index)
        needed = Policy(
            logs=(LogLine(key=node.keys.signer.verifier),),
            witnesses=(WitnessLine(name="market", key=witness.keys[0]),),
            quorum="market",
        )
        asked, verified = tamper.ask_to_cosign_again(
            node, index=index, url=witness.url, keys=witness.keys, policy=needed
        )
        self.check(
            f"the department's witness, asked to cosign it, refuses and names the size: {asked}",
            holds="422" in asked and f"the tree of {size}" in asked,
            found=(asked, size),
        )
        self.check(
            f"who needs that witness takes no such checkpoint: {verified}",
            holds="cosigned by nobody" in verified,
            found=verified,
        )


def _lines(answer: Answer) -> dict[str, dict[str, Any]]:
    """The outcome lines by the last response key of their path."""
    return {str(line["path"][-1]): dict(line) for line in answer.outcomes}
