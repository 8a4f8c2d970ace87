"""`exchange policy`: write, try, put in force and look back on the policy that decides."""

import click

from exchange.cli.lazy import LazyGroup

COMMANDS = {
    "lint": ("policy_rules", "check modules against the authoring rules"),
    "test": ("policy_rules", "run every `test_` rule"),
    "eval": ("policy_rules:evaluate", "decide one question"),
    "explain": ("policy_why", "why a question was decided so: in words, and by line"),
    "fmt": ("policy_rules", "lay modules out in one way"),
    "coverage": ("policy_measure", "which conditions no test and no case ever passed"),
    "check": ("policy_check", "lint, fmt --check, test and coverage, up to the first that fails"),
    "bench": ("policy_measure", "what a decision costs, and which rules cost it"),
    "conformance": ("policy_measure", "answer OPA's conformance cases"),
    "key": ("policy_bundles", "make an approver's key pair, off the gateway"),
    "build": ("policy_bundles", "build a bundle to be signed"),
    "sign": ("policy_bundles", "sign a bundle with an approver's key, off the gateway"),
    "verify": ("policy_bundles", "check a bundle's signature and rules"),
    "trust": ("policy_bundles", "take bundles that an approver's key signed"),
    "propose": ("policy_bundles", "propose a signed bundle: its tests are run"),
    "activate": ("policy_bundles", "put a proposed bundle in force, as a second approver"),
    "withdraw": ("policy_bundles", "take a proposal back"),
    "show": ("policy_bundles", "what is in force, what waits, what was before"),
    "compare": ("policy_bundles", "how a bundle differs from what decides now"),
    "rollback": ("policy_bundles", "prepare an earlier bundle to be signed and put in force anew"),
    "opa-rules": ("policy_bundles", "print what an OPA server lets its callers do"),
    "replay": ("policy_past", "decide recorded questions again: is every answer the same?"),
    "simulate": ("policy_past", "what another policy would have decided"),
    "who-can": ("policy_past", "who can see a resource now, and on what terms"),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def policy() -> None:
    """The policy: what decides, in Rego; the same on the embedded engine and on OPA."""
