"""Policy bundles as the register knows them: proposed by one approver, put in force by another."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from catalogue.errors import NotAllowedError, StateError
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role


class BundleState(StrEnum):
    PROPOSED = "proposed"
    IN_FORCE = "in-force"
    PAST = "past"
    """It was in force once, and another one came after it."""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyBundle:
    """A signed bundle under the SHA-256 of its archive. At most one is in force."""

    digest: str
    serial: int
    """Grows with every bundle that comes into force: an older one never comes back under its own."""
    revision: str
    expires: datetime
    """First moment at which nothing is decided under it any more."""
    signed_by: str
    """Id of the approver's key that signed the archive."""
    tests: int
    """How many of its rules' tests were run, and held, before it was proposed."""
    state: BundleState
    proposed_by: str
    proposed_at: datetime
    proposal: int | None = None
    """Index of the proposal's entry; None while that entry is the row's own."""
    activated_by: str | None = None
    """Second officer; None until it was put in force."""
    activated_at: datetime | None = None
    """None as above."""
    activation: int | None = None
    """Index of the activation's entry; None as long as it is not in force, or the row's own entry."""
    withdrawn_by: str | None = None
    """None unless it was withdrawn."""


def check_proposal(bundle: PolicyBundle, *, known: Iterable[PolicyBundle], at: datetime) -> None:
    """Raise StateError where a bundle could never come into force: its serial or its expiry is past."""
    newest = newest_serial(known)
    if bundle.serial <= newest:
        raise StateError(f"serial {bundle.serial}, more than {newest} needed", code="BUNDLE_SERIAL")
    if bundle.expires <= at:
        raise StateError("the bundle has expired", code="BUNDLE_EXPIRED")


def activate(
    bundle: PolicyBundle, *, known: Iterable[PolicyBundle], by: Actor, at: datetime, proposal: int
) -> PolicyBundle:
    """Put a proposed bundle in force. `proposal` is the index of the entry that proposed it.

    Raises NotAllowedError for who is no approver or proposed it, StateError where it is not waiting, a
    newer one was in force already, or it has expired.
    """
    require_decider(by, Role.POLICY_APPROVER)
    if bundle.state is not BundleState.PROPOSED:
        raise StateError(f"the bundle is {bundle.state.value}, proposed needed")
    if by.id == bundle.proposed_by:
        raise NotAllowedError("SECOND_OFFICER", "another approver than who proposed it")
    check_proposal(bundle, known=known, at=at)
    return replace(
        bundle,
        state=BundleState.IN_FORCE,
        activated_by=by.id,
        activated_at=at,
        proposal=proposal,
    )


def supersede(bundle: PolicyBundle, *, activation: int) -> PolicyBundle:
    """End a bundle that is in force; `activation` is the index of the entry that put it there."""
    return replace(bundle, state=BundleState.PAST, activation=activation)


def withdraw(bundle: PolicyBundle, *, by: Actor, proposal: int) -> PolicyBundle:
    """Take a proposal back, one's own or another approver's. Raises NotAllowedError, StateError."""
    require_decider(by, Role.POLICY_APPROVER)
    if bundle.state is not BundleState.PROPOSED:
        raise StateError(f"the bundle is {bundle.state.value}, proposed needed")
    return replace(bundle, state=BundleState.WITHDRAWN, withdrawn_by=by.id, proposal=proposal)


def newest_serial(known: Iterable[PolicyBundle]) -> int:
    """Return the highest serial that ever was in force; 0, the packaged policy's, where none was."""
    standing = {BundleState.IN_FORCE, BundleState.PAST}
    return max((one.serial for one in known if one.state in standing), default=0)


def in_force(known: Iterable[PolicyBundle]) -> PolicyBundle | None:
    """Return the bundle in force; None where none was ever put in force."""
    return next((one for one in known if one.state is BundleState.IN_FORCE), None)
