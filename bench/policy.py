"""What a decision costs: the embedded engine against genuine OPA in process, same bundle, same questions.

`python bench/policy.py --json [--quick|--full]`; the last line is one JSON object. Rounds of both engines are
interleaved and medians compared, so that a busy machine disturbs both alike.
"""

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from policies.bundle import default_bundle
from tests.fakes.engines import raw_embedded, raw_opa
from tests.fakes.questions import (
    EXPIRES,
    LICENCE,
    a_grant,
    a_question,
    a_request,
    a_resource,
    plain,
)

Decide = Callable[[Any], Any]


def base() -> Any:
    """One request, one grant, three items."""
    return plain(a_question())


def big() -> Any:
    """Eight requests over four resources, three candidate grants each."""
    codes = [f"{LICENCE}-{number}" for number in range(4)]
    question = a_question(
        requests=[a_request(ref=f"s{n}", resource=codes[n % 4]) for n in range(8)],
        catalogue={code: a_resource() for code in codes},
        grants=[
            a_grant(id=f"grt_{code}_{n}", resource=code, not_after=EXPIRES - n)
            for code in codes
            for n in range(3)
        ],
    )
    return plain(question)


def cost_us(decide: Decide, question: Any, *, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        decide(question)
    return (time.perf_counter() - start) / calls * 1e6


def measured(
    ours: Decide, oracle: Decide | None, question: Any, *, rounds: int
) -> tuple[float, float | None]:
    """Return medians in microseconds: ours, and the oracle's where there is one."""
    if not ours(question)["allow"]:
        message = "the question of the bench must be permitted"
        raise SystemExit(message)
    taken: list[float] = []
    compared: list[float] = []
    for _ in range(rounds):
        taken.append(cost_us(ours, question, calls=200))
        if oracle is not None:
            compared.append(cost_us(oracle, question, calls=20))
    return statistics.median(taken), statistics.median(compared) if compared else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--quick", action="store_true")
    speed.add_argument("--full", action="store_true")
    chosen = parser.parse_args()
    rounds = 5 if chosen.quick else 40 if chosen.full else 15
    bundle = default_bundle(expires=EXPIRES)
    there = importlib.util.find_spec("opa_bindings") is not None
    ours, oracle = raw_embedded(bundle), raw_opa(bundle) if there else None
    result: dict[str, Any] = {"revision": bundle.revision}
    for name, question in (("base", base()), ("big", big())):
        mine, other = measured(ours, oracle, question, rounds=rounds)
        result[f"ours_{name}_us"] = round(mine, 1)
        result[f"oracle_over_ours_{name}"] = None if other is None else round(other / mine, 2)
        if other is None:
            result[f"oracle_over_ours_{name}_skipped"] = "opa_bindings is not installed"
    if not chosen.json:
        for name, value in result.items():
            print(f"{name}: {value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
