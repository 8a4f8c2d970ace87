"""Acts on policy bundles: proposed with their tests run, put in force by a second approver, looked at."""

import difflib
from base64 import b64decode, b64encode
from collections.abc import Collection
from datetime import datetime
from typing import Any

from catalogue.bundles import BundleState, PolicyBundle
from catalogue.errors import InvalidError, UnknownError
from catalogue.flaws import Flaw
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role
from catalogue.rows import DEPARTMENT, OFFICER, POLICY_BUNDLE, from_ms
from exchange.acts.register import ActError, act
from exchange.archives import Opened
from exchange.clock import monotonic, now
from exchange.node import Node
from policies.bundle import contents, packaged_modules
from policies.engine import LoadError, PolicyError
from policies.language import Budget, compile_modules, parse_module

READERS = frozenset({Role.POLICY_APPROVER, Role.AUDITOR, Role.AUTHORITY})
MOST_LINES = 2_000
"""A comparison shows as many lines of difference; who needs more compares the archives."""
_TEST = "_test.rego"


@act("policy.propose")
def propose(
    node: Node, actor: Actor, *, archive: str, tests: dict[str, str] | None = None
) -> dict[str, object]:
    """Propose a signed archive (base64). `tests` are departments' own, file name → source.

    The shipped tests always run. Raises InvalidError BUNDLE_REFUSED before anything changes: no configured
    key signed it, a rule is refused by the linter or the compiler, or a test does not hold.
    """
    require_decider(actor, Role.POLICY_APPROVER)
    try:
        raw = b64decode(archive, validate=True)
    except ValueError as error:
        raise ActError("ACT_ARGUMENTS", "archive is not base64") from error
    try:
        opened = node.archives.open(raw)
        check_departments(opened, known=node.held(DEPARTMENT).keys())
        held = run_tests(opened, tests or {})
    except PolicyError as error:
        raise InvalidError(Flaw.quoted(str(error)), code="BUNDLE_REFUSED") from error
    # Kept before it is registered: what the register names is always there to be loaded.
    node.archives.keep(raw)
    bundle = node.registry.propose_bundle(_proposed(opened, tests=held, by=actor), by=actor)
    return _told(node, bundle)


@act("policy.activate")
def activate(node: Node, actor: Actor, *, digest: str) -> dict[str, object]:
    """Put a proposed bundle in force on a second approver's word; the next call is decided under it."""
    row = _row(node, digest)
    try:
        node.policy.prepare(row)
    except LoadError as error:
        raise InvalidError(Flaw.quoted(str(error)), code="BUNDLE_REFUSED") from error
    return _told(node, node.registry.activate_bundle(digest, by=actor))


@act("policy.withdraw")
def withdraw(node: Node, actor: Actor, *, digest: str, reason: str = "") -> dict[str, object]:
    """Take a waiting proposal back; its archive stays, and cannot be proposed again."""
    return _told(node, node.registry.withdraw_bundle(digest, by=actor, reason=reason))


@act("policy.show")
def show(node: Node, actor: Actor) -> dict[str, object]:
    """What decides now, what waits for a second approver, and what was in force or withdrawn before."""
    _need_reader(actor)
    rows = sorted(node.held(POLICY_BUNDLE).values(), key=lambda row: row.proposed_at, reverse=True)
    node.live.load()
    condition = node.policy.catch_up()
    held = condition.held
    return {
        "decides": None
        if held is None
        else {
            "revision": held.bundle.revision,
            "serial": held.bundle.serial,
            "expires": held.ends.isoformat(),
            "digest": held.digest,
            "packaged": held.bundle.serial == 0,
        },
        "problem": condition.problem,
        "in_force": next(
            (_told(node, row) for row in rows if row.state is BundleState.IN_FORCE), None
        ),
        "waiting": [_told(node, row) for row in rows if row.state is BundleState.PROPOSED],
        "past": [
            _told(node, row)
            for row in rows
            if row.state in {BundleState.PAST, BundleState.WITHDRAWN}
        ],
        "approvers": sum(
            Role.POLICY_APPROVER in officer.roles and officer.state == "active"
            for officer in node.held(OFFICER).values()
        ),
        "keys": sorted(node.archives.keys),
    }


@act("policy.compare")
def compare(node: Node, actor: Actor, *, digest: str) -> dict[str, object]:
    """How a registered bundle differs from what decides now: files, and lines of each."""
    _need_reader(actor)
    row = _row(node, digest)
    node.live.load()
    held = node.policy.catch_up().held
    try:
        candidate = contents(node.archives.read(digest))
        present = {} if held is None else contents(held.archive)
    except LoadError as error:
        raise InvalidError(Flaw.quoted(str(error)), code="BUNDLE_REFUSED") from error
    return {
        "bundle": _told(node, row),
        "with": "" if held is None else held.bundle.revision,
        "files": differences(present, candidate),
    }


@act("policy.archive")
def archive(node: Node, actor: Actor, *, digest: str) -> dict[str, str]:
    """A kept archive (base64), as it was proposed: to prepare a way back, or to look into."""
    _need_reader(actor)
    row = _row(node, digest)
    try:
        return {"digest": row.digest, "archive": b64encode(node.archives.read(digest)).decode()}
    except LoadError as error:
        raise InvalidError(Flaw.quoted(str(error)), code="BUNDLE_REFUSED") from error


def check_departments(opened: Opened, *, known: Collection[str]) -> None:
    """Raise LoadError for rules of a department that is not registered: they would deny nothing."""
    unknown = sorted(opened.bundle.data["exchange"]["reads"].keys() - set(known))
    if unknown:
        raise LoadError(f"departments.{unknown[0]}: no department of this code is registered")


def run_tests(opened: Opened, tests: dict[str, str]) -> int:
    """Run the shipped tests and those given against a bundle; return how many held.

    Raises LoadError where one does not hold, or where a test stands in place of a rule.
    """
    for name, source in tests.items():
        package = parse_module(name, source).package
        if not name.endswith(_TEST) or not package[-1].endswith("_test"):
            raise LoadError(f"{name}: a test's file ends in {_TEST} and its package in _test")
    shipped = {
        name: source
        for name, source in packaged_modules(tests=True).items()
        if name.endswith(_TEST)
    }
    program = compile_modules(
        {**opened.bundle.modules, **tests, **shipped}, dict(opened.bundle.data)
    )
    found = program.tests()
    failed = [
        rule
        for rule in found
        if program.evaluate(rule.path, budget=Budget(monotonic=monotonic)) is not True
    ]
    if failed or not found:
        first = failed[0].path if failed else "none was found"
        raise LoadError(f"{len(failed)} of {len(found)} tests do not hold: {first}")
    return len(found)


def differences(present: dict[str, str], candidate: dict[str, str]) -> list[dict[str, Any]]:
    """Return the files that differ, each with its lines as a unified difference."""
    told: list[dict[str, Any]] = []
    left = MOST_LINES
    for name in sorted(present.keys() | candidate.keys()):
        before, after = present.get(name), candidate.get(name)
        if before == after:
            continue
        lines = list(
            difflib.unified_diff(
                (before or "").splitlines(), (after or "").splitlines(), lineterm="", n=2
            )
        )[2:]
        change = "added" if before is None else "removed" if after is None else "changed"
        told.append(
            {
                "file": name,
                "change": change,
                "lines": lines[:left],
                "more": max(0, len(lines) - left),
            }
        )
        left = max(0, left - len(lines))
    return told


def _need_reader(actor: Actor) -> None:
    if not any(actor.has(role) for role in READERS):
        raise ActError("ROLE_MISSING", "a policy approver, an auditor or the authority needed")


def _row(node: Node, digest: str) -> PolicyBundle:
    row = node.held(POLICY_BUNDLE).get(digest)
    if row is None:
        raise UnknownError(f"bundle {digest[:64]}")
    return row


def _proposed(opened: Opened, *, tests: int, by: Actor) -> PolicyBundle:
    bundle = opened.bundle
    return PolicyBundle(
        digest=opened.digest,
        serial=bundle.serial,
        revision=bundle.revision,
        expires=from_ms(bundle.expires * 1000),
        signed_by=opened.key_id,
        tests=tests,
        state=BundleState.PROPOSED,
        proposed_by=by.id,
        proposed_at=now(),
    )


def _told(node: Node, row: PolicyBundle) -> dict[str, object]:
    recorded = node.ledger.digest(POLICY_BUNDLE.table, row.digest)
    entry = None if recorded is None else node.index_of(recorded[0])
    waiting = row.state is BundleState.PROPOSED
    return {
        "digest": row.digest,
        "revision": row.revision,
        "serial": row.serial,
        "expires": row.expires.isoformat(),
        "signed_by": row.signed_by,
        "tests": row.tests,
        "state": row.state.value,
        "proposed_by": row.proposed_by,
        "proposed_at": row.proposed_at.isoformat(),
        "proposal": entry if waiting else _index(node, row.proposal),
        "activated_by": row.activated_by,
        "activated_at": _moment(row.activated_at),
        "activation": entry if row.state is BundleState.IN_FORCE else _index(node, row.activation),
        "withdrawn_by": row.withdrawn_by,
    }


def _index(node: Node, number: int | None) -> int | None:
    return None if number is None else node.index_of(number)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
