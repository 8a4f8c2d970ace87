"""What a decision costs: the embedded engine against genuine OPA in process, same bundle, same questions.

`python bench/policy.py --json [--quick|--full]`; the last line is one JSON object. The engines are compared
without standing permits; what those save is measured apart. Rounds of both engines are interleaved and
medians compared, so that a busy machine disturbs both alike.
"""

import argparse
import importlib.util
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from policies.bundle import Bundle, default_bundle
from policies.embedded import Embedded
from policies.language import Budget, compile_modules
from policies.model import Question
from tests.fakes.engines import raw_opa
from tests.fakes.questions import (
    EXPIRES,
    LICENCE,
    NOW,
    a_grant,
    a_question,
    a_request,
    a_resource,
    a_subject,
    an_item,
    an_officer,
    plain,
)

Decide = Callable[[], Any]


def base() -> Question:
    """One request for five items of one resource, one grant."""
    names = ["uscc", "name", "region", "legal_person", "phone"]
    return a_question(requests=[a_request(items=names)], grants=[a_grant(items=names)])


def big() -> Question:
    """Three requests for ten items each of three resources, nine candidate grants."""
    codes = [f"{LICENCE}-{number}" for number in range(3)]
    names = ["uscc", "region", *(f"item_{number}" for number in range(8))]
    resource = a_resource(
        items={name: an_item(level=1 + n % 3, mask="phone") for n, name in enumerate(names)}
        | {"uscc": an_item(level=1, match=True)}
    )
    return a_question(
        requests=[
            a_request(ref=f"s{n}", resource=code, items=names) for n, code in enumerate(codes)
        ],
        catalogue=dict.fromkeys(codes, resource),
        grants=[
            a_grant(id=f"grt_{code}_{n}", resource=code, items=names[: 10 - n])
            for code in codes
            for n in range(3)
        ],
    )


def later(question: Question) -> Iterator[Question]:
    """The same question of other calls: other people, another second, the same everything else."""
    for call in itertools.count(1):
        yield Question(
            **{name: getattr(question, name) for name in question.__struct_fields__}
            | {
                "now": NOW + call % 3600,
                "officer": an_officer(digest=f"officer_{call}"),
                "requests": [
                    a_request(
                        ref=request.ref,
                        resource=request.resource,
                        items=request.items,
                        subject=a_subject(digest=f"subject_{call}"),
                    )
                    for request in question.requests
                ],
            }
        )


def an_engine(bundle: Bundle, *, standing: bool) -> Embedded:
    program = compile_modules(bundle.modules, bundle.data)
    return Embedded(
        program,
        revision=bundle.revision,
        expires=bundle.expires,
        budget=Budget(monotonic=time.monotonic),
        standing=standing,
    )


def cost_us(decide: Decide, *, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        decide()
    return (time.perf_counter() - start) / calls * 1e6


def calls_of(decide: Decide) -> int:
    """Return how many Python functions a decision calls: the same on every machine, busy or not."""
    called = 0

    def count(_: FrameType, event: str, __: Any) -> None:
        nonlocal called
        called += event == "call"

    decide()
    sys.setprofile(count)
    try:
        decide()
    finally:
        sys.setprofile(None)
    return called


def interleaved(decides: dict[str, tuple[Decide, int]], *, rounds: int) -> dict[str, float]:
    """Return the median cost of each, in microseconds."""
    taken: dict[str, list[float]] = {name: [] for name in decides}
    for _ in range(rounds):
        for name, (decide, calls) in decides.items():
            taken[name].append(cost_us(decide, calls=calls))
    return {name: statistics.median(costs) for name, costs in taken.items()}


def against_opa(bundle: Bundle, *, rounds: int) -> dict[str, Any]:
    ours = an_engine(bundle, standing=False)
    there = importlib.util.find_spec("opa_bindings") is not None
    oracle = raw_opa(bundle) if there else None
    result: dict[str, Any] = {}
    for name, question in (("base", base()), ("big", big())):
        if not ours.decide_now(question).allow:
            message = "the question of the bench must be permitted"
            raise SystemExit(message)
        decides: dict[str, tuple[Decide, int]] = {
            "ours": (lambda question=question: ours.decide_now(question), 40)
        }
        if oracle is not None:
            document = plain(question)
            decides["oracle"] = (lambda document=document: oracle(document), 8)
        found = interleaved(decides, rounds=rounds)
        result[f"ours_{name}_us"] = round(found["ours"], 1)
        result[f"ours_{name}_calls"] = calls_of(decides["ours"][0])
        ratio = round(found["oracle"] / found["ours"], 2) if "oracle" in found else None
        result[f"oracle_over_ours_{name}"] = ratio
        if ratio is None:
            result[f"oracle_over_ours_{name}_skipped"] = "opa_bindings is not installed"
    return result


def standing(bundle: Bundle, *, rounds: int) -> dict[str, Any]:
    """What the same question costs again, of other people: kept, and decided whole."""
    warm, whole = an_engine(bundle, standing=True), an_engine(bundle, standing=False)
    asked = list(itertools.islice(later(base()), 500))
    warm.decide_now(base())
    kept, fresh = itertools.cycle(asked), itertools.cycle(asked)
    found = interleaved(
        {
            "hit": (lambda: warm.decide_now(next(kept)), 200),
            "whole": (lambda: whole.decide_now(next(fresh)), 40),
        },
        rounds=rounds,
    )
    if warm.counts.whole != 1:
        message = f"{warm.counts.whole} whole decisions where one was to stand"
        raise SystemExit(message)
    return {
        "standing_hit_calls": calls_of(lambda: warm.decide_now(next(kept))),
        "standing_hit_us": round(found["hit"], 1),
        "standing_over_whole": round(found["whole"] / found["hit"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--quick", action="store_true")
    speed.add_argument("--full", action="store_true")
    chosen = parser.parse_args()
    rounds = 25 if chosen.quick else 200 if chosen.full else 75
    bundle = default_bundle(expires=EXPIRES)
    result: dict[str, Any] = {"revision": bundle.revision}
    result |= against_opa(bundle, rounds=rounds)
    result |= standing(bundle, rounds=rounds)
    if not chosen.json:
        for name, value in result.items():
            print(f"{name}: {value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
