"""Policy bundles: proposed with their tests run, put in force by a second approver, never put back."""

from dataclasses import replace

from catalogue import bundles, store
from catalogue.bundles import PolicyBundle
from catalogue.errors import DuplicateError
from catalogue.lifecycle import require_decider
from catalogue.model import Actor, Role
from catalogue.rows import POLICY_BUNDLE
from catalogue.service.unit import Unit, UseCases


class Policies(UseCases):
    """The bundle itself is kept by the exchange; the register holds its digest and who answers for it."""

    def propose_bundle(self, bundle: PolicyBundle, *, by: Actor) -> PolicyBundle:
        """Register a bundle that waits for its second approver.

        A digest is registered once: what was withdrawn or is past comes back only as another bundle. Raises
        NotAllowedError, DuplicateError, StateError.
        """
        with self._unit(by) as unit:
            actor = unit.actor()
            require_decider(actor, Role.POLICY_APPROVER)
            known = unit.all(POLICY_BUNDLE)
            if unit.find(POLICY_BUNDLE, bundle.digest) is not None:
                raise DuplicateError(f"bundle {bundle.digest}")
            proposed = replace(bundle, proposed_by=actor.id, proposed_at=self._now())
            bundles.check_proposal(proposed, known=known.values(), at=proposed.proposed_at)
            _record(unit, "policy.proposed", proposed)
        return proposed

    def activate_bundle(self, digest: str, *, by: Actor) -> PolicyBundle:
        """Put a bundle in force in place of the one before, in one act over its digest.

        The act raises the barrier: a call whose picture is older is ruled anew. Raises UnknownError,
        NotAllowedError, StateError.
        """
        with self._unit(by) as unit:
            actor = unit.actor()
            bundle = unit.need(POLICY_BUNDLE, digest)
            known = unit.all(POLICY_BUNDLE)
            activated = bundles.activate(
                bundle,
                known=known.values(),
                by=actor,
                at=self._now(),
                proposal=_entry(unit, digest),
            )
            before = bundles.in_force(known.values())
            ended = (
                []
                if before is None
                else [bundles.supersede(before, activation=_entry(unit, before.digest))]
            )
            _record(unit, "policy.activated", activated, *ended, narrowing=True)
        return activated

    def withdraw_bundle(self, digest: str, *, by: Actor, reason: str = "") -> PolicyBundle:
        """Take a waiting proposal back. Raises UnknownError, NotAllowedError, StateError."""
        with self._unit(by) as unit:
            actor = unit.actor()
            bundle = unit.need(POLICY_BUNDLE, digest)
            withdrawn = bundles.withdraw(bundle, by=actor, proposal=_entry(unit, digest))
            _record(unit, "policy.withdrawn", withdrawn, reason=reason)
        return withdrawn


def _entry(unit: Unit, digest: str) -> int:
    """The index that a bundle's row names: the act that made it as it stands."""
    entry = store.entry_of(unit.connection, POLICY_BUNDLE, digest)
    if entry is None:
        raise LookupError(f"no row of bundle {digest}, one that was just read needed")
    return entry


def _record(
    unit: Unit,
    kind: str,
    bundle: PolicyBundle,
    *ended: PolicyBundle,
    narrowing: bool = False,
    reason: str = "",
) -> None:
    unit.record(
        kind,
        (POLICY_BUNDLE, bundle),
        *((POLICY_BUNDLE, one) for one in ended),
        narrowing=narrowing,
        facts={
            "bundle": bundle.digest,
            "serial": bundle.serial,
            "revision": bundle.revision,
            "signed_by": bundle.signed_by,
            "tests": bundle.tests,
            "ends": [one.digest for one in ended],
        },
        private={"reason": reason} if reason else {},
    )
