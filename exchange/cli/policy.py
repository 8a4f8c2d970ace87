"""`exchange policy`: write, try, put in force and look back on the policy that decides."""

import click

from exchange.cli.lazy import LazyGroup

COMMANDS = {
    "lint": ("policy_rules", "check modules against the authoring rules"),
    "test": ("policy_rules", "run every `test_` rule"),
    "eval": ("policy_rules:evaluate", "decide one question"),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def policy() -> None:
    """The policy: what decides, in Rego; the same on the embedded engine and on OPA."""
