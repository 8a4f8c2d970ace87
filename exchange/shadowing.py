"""A candidate policy followed while calls are answered: set by `policy_shadow`, told once a minute."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from audit.entry import Draft
from audit.errors import AuditError
from audit.log import Log
from exchange.clock import monotonic
from exchange.past import bundle_of, mask_ranks, packaged
from exchange.settings import Settings, SettingsError
from policies.embedded import Embedded
from policies.engine import DecisionPoint, LoadError
from policies.language import Budget, compile_modules
from policies.shadow import Seen, Shadow

KIND = "policy.shadowed"
LOOK_EVERY_S = 0.2
TELL_EVERY_S = 60.0
PATIENCE_S = 0.05
"""For one decision of a candidate: the loop waits for it, though no call does."""

_LOGGING = logging.getLogger("exchange.policy")


def with_shadow(settings: Settings, live: DecisionPoint) -> DecisionPoint:
    """Return the live decision point, with the candidate beside it that the settings name.

    Raises SettingsError where they name one that cannot be used: who set it wants to know.
    """
    if not settings.policy_shadow:
        return live
    path = settings.home / settings.policy_shadow
    try:
        archive = path.read_bytes()
        bundle = bundle_of(archive)
        program = compile_modules(bundle.modules, bundle.data)
    except (OSError, LoadError) as error:
        raise SettingsError(f"policy_shadow: {path} cannot be used: {error}") from error
    candidate = Embedded(
        program,
        revision=bundle.revision,
        expires=bundle.expires,
        budget=Budget(seconds=PATIENCE_S, monotonic=monotonic),
    )
    return Shadow(live, candidate, masks=mask_ranks(archive, packaged()))


@asynccontextmanager
async def following(decisions: DecisionPoint, log: Log) -> AsyncIterator[None]:
    """Within it, a candidate is asked what the live policy was; nothing where there is none."""
    if not isinstance(decisions, Shadow):
        yield
        return
    task = asyncio.create_task(_follow(decisions, log))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await tell(decisions, log)


async def catch_up(shadow: Shadow) -> None:
    """Ask the candidate all that waits, one question at a time: calls that come in go first."""
    while shadow.waiting:
        await shadow.catch_up()
        await asyncio.sleep(0)


async def tell(shadow: Shadow, log: Log) -> None:
    """Record what was seen since the last time; nothing where nothing was."""
    await catch_up(shadow)
    seen = shadow.summary()
    if not seen.anything:
        return
    _LOGGING.info(
        "candidate %s beside %s: %d asked, %d wider, %d narrower, %d undecided, %d dropped",
        seen.candidate,
        seen.live,
        seen.asked,
        seen.wider,
        seen.narrower,
        seen.undecided,
        seen.dropped,
    )
    try:
        await log.append_async(draft_of(seen))
    except AuditError as error:
        _LOGGING.warning("the summary of the candidate was not recorded: %s", error.code)


def draft_of(seen: Seen) -> Draft:
    """Return the entry: revisions and counts, of nobody in particular."""
    return Draft(
        kind=KIND,
        clear={
            "policy": seen.live,
            "candidate": seen.candidate,
            "asked": seen.asked,
            "wider": seen.wider,
            "narrower": seen.narrower,
            "undecided": seen.undecided,
            "dropped": seen.dropped,
            "changes": dict(seen.changes),
        },
    )


async def _follow(shadow: Shadow, log: Log) -> None:
    told_at = monotonic()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        await catch_up(shadow)
        if monotonic() - told_at >= TELL_EVERY_S:
            told_at = monotonic()
            await tell(shadow, log)
