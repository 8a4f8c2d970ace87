"""Which claims have a test and a sabotage, and whether each sabotage is caught.

`python -m tests.sabotage.run --claims` prints the table; without it every sabotage is applied in turn and
the tests of its id must fail. Exits 1 where one does not.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tests.conftest import sabotages

# The ids of what must hold, by group; F8 was given to nothing.
GROUPS = {
    "L": 22,  # the log, its owner as attacker
    "R": 2,  # the registry
    "W": 16,  # record before release
    "T": 4,  # time and witness
    "P": 16,  # policy
    "F": 21,  # items
    "I": 16,  # identity
    "C": 5,  # cases
    "X": 3,  # emergencies
    "S": 11,  # sources
    "O": 7,  # load
    "H": 5,  # health
    "G": 8,  # governance
    "B": 5,  # bad input
    "U": 3,  # upgrade
    "E": 9,  # ease
}
NEED_SABOTAGE = frozenset("LWPFIRCX")


def claims() -> Iterator[str]:
    for group, most in GROUPS.items():
        yield from (f"{group}{n}" for n in range(1, most + 1) if f"{group}{n}" != "F8")


def tested() -> dict[str, int]:
    """How many tests prove each id, as pytest itself collects them."""
    code = (
        "import pytest, sys, collections\n"
        "found = collections.Counter()\n"
        "class Count:\n"
        "    def pytest_collection_finish(self, session):\n"
        "        for item in session.items:\n"
        "            found.update({n for m in item.iter_markers('proves') for n in m.args})\n"
        "pytest.main(['--collect-only', '-qq', 'tests'], plugins=[Count()])\n"
        "print('CLAIMS', *[f'{k}={v}' for k, v in found.items()])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    line = next(row for row in done.stdout.splitlines() if row.startswith("CLAIMS"))
    return {name: int(count) for name, count in (part.split("=") for part in line.split()[1:])}


def print_claims() -> int:
    tests, patches = tested(), sabotages()
    bare, unsabotaged = [], []
    for claim in claims():
        if not tests.get(claim):
            bare.append(claim)
        elif claim[0] in NEED_SABOTAGE and claim not in patches:
            unsabotaged.append(claim)
    held = [claim for claim in claims() if tests.get(claim)]
    print(f"{len(held)} claims have a test: {' '.join(held)}")
    print(f"{len(bare)} have none yet: {' '.join(bare)}")
    print(f"{len(unsabotaged)} have a test and no sabotage: {' '.join(unsabotaged) or '-'}")
    unknown = sorted(set(tests) - set(claims()))
    if unknown:
        print(f"tests name ids that are no claims: {' '.join(unknown)}")
    return 1 if unsabotaged or unknown else 0


def run(wanted: Sequence[str]) -> int:
    patches = sabotages()
    missed = []
    for claim in wanted or sorted(patches, key=lambda name: (name[0], int(name[1:]))):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--sabotage", claim, "-x", "-q", "tests"],
            capture_output=True,
            text=True,
            check=False,
        )
        # 1 is pytest's code for failed tests; 5, no tests, would be a sabotage of nothing.
        caught = done.returncode == 1
        if not caught:
            missed.append(claim)
        why = "; ".join(each.why for each in patches[claim])
        print(f"{claim:4} {'caught' if caught else 'NOT CAUGHT'}: {why}", flush=True)
    print(f"{len(missed)} sabotages not caught: {' '.join(missed) or '-'}")
    return 1 if missed else 0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage.run", description=__doc__)
    parser.add_argument("ids", nargs="*", help="of the claims to sabotage; all where none is named")
    parser.add_argument(
        "--claims", action="store_true", help="only list which claims have a test and a sabotage"
    )
    asked = parser.parse_args(arguments)
    return print_claims() if asked.claims else run(asked.ids)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
