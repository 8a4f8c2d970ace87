"""How often a value may be guessed by verification: counted before anybody is asked, whoever guesses.

What is verified is answered *match* or not, so enough guesses are a reading. Each claim on an item of a
subject counts, the same value again too: against its case, and against the day over all cases and systems.
"""

from collections.abc import Callable, Iterator, Sequence

from audit.entry import Quota
from gateway.limits import Limits
from gateway.model import Call, GivenKey, Permitted, Refused, Ruling

VERIFY_SPENT = "VERIFY_SPENT"
VERIFY = "verify"
"""Key of the refusal that is appended where no guess is left."""
EVER = "0000-00-00"
"""The day under which the guesses of a case are counted: a case has them once."""

KeyedToken = Callable[[str, str], str]
"""(kind, value) → a keyed digest: what is counted holds no identifier."""


def reservations(
    rulings: Sequence[Ruling], call: Call, *, token: KeyedToken, day: str, limits: Limits
) -> tuple[Quota, ...]:
    """Return what the permitted verifications of a call count against."""
    found: dict[tuple[str, str, int], int] = {}
    for ruling in rulings:
        if ruling.step.claims and isinstance(ruling, Permitted):
            for place in _places(ruling, call, token=token, day=day, limits=limits):
                found[place] = found.get(place, 0) + 1
    if not found:
        return ()
    return tuple(
        Quota(key=key, day=on, amount=amount, most=most, spent=VERIFY)
        for (key, on, most), amount in found.items()
    )


def spent(
    rulings: Sequence[Ruling],
    call: Call,
    *,
    token: KeyedToken,
    day: str,
    limits: Limits,
    used: Callable[[str, str], int],
) -> tuple[Ruling, ...]:
    """Refuse the verifications for which too few guesses are left; `used` is by key and day.

    Only foreseen: two calls at once are told apart by the log's own batch.
    """
    wanted = reservations(rulings, call, token=token, day=day, limits=limits)
    over = {one.key for one in wanted if used(one.key, one.day) + one.amount > one.most}
    return tuple(
        Refused(ruling.step, VERIFY_SPENT, ruling.verdict)
        if isinstance(ruling, Permitted)
        and any(
            key in over for key, _, _ in _places(ruling, call, token=token, day=day, limits=limits)
        )
        else ruling
        for ruling in rulings
    )


def _places(
    permitted: Permitted, call: Call, *, token: KeyedToken, day: str, limits: Limits
) -> Iterator[tuple[str, str, int]]:
    """Yield key, day and bound of every count that a verification adds to, once a claim."""
    step = permitted.step
    if not isinstance(step.key, GivenKey):
        return
    subject = f"{step.subject or step.key.item.name}\n{step.key.value}"
    case = call.case.id if call.case is not None else f"{call.caller.system.id}/{call.usage.case}"
    for claim in step.claims:
        if claim.item is None:
            continue
        about = f"{step.resource.code}\n{claim.item.name}\n{subject}"
        yield f"verify:{token('verify', about)}", day, limits.claims_a_day
        within = f"{about}\n{case}"
        yield f"verify-case:{token('verify', within)}", EVER, limits.claims_a_case
