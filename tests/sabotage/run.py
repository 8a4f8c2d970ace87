"""Which claims have a test and a sabotage, and whether each sabotage is caught.

`python -m tests.sabotage.run --claims` prints the table; without it every sabotage is applied in turn and
the tests of its id must fail. Exits 1 where one does not.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tests.conftest import UNAPPLIED, sabotages

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
_SAID = {1: "caught", UNAPPLIED: "DOES NOT APPLY"}
"""Exit status of pytest → what it means; 5, no tests, would be a sabotage of nothing."""


def claims() -> Iterator[str]:
    for group, most in GROUPS.items():
        yield from (f"{group}{n}" for n in range(1, most + 1) if f"{group}{n}" != "F8")


def tested() -> dict[str, list[str]]:
    """The file of each test that proves an id, as pytest itself collects them; quick ones first."""
    code = (
        "import pytest, sys, json, collections\n"
        "found = collections.defaultdict(list)\n"
        "class Count:\n"
        "    def pytest_collection_finish(self, session):\n"
        "        for item in session.items:\n"
        "            for name in {n for m in item.iter_markers('proves') for n in m.args}:\n"
        "                found[name].append(item.location[0])\n"
        "pytest.main(['--collect-only', '-qq', 'tests'], plugins=[Count()])\n"
        "print('CLAIMS', json.dumps(found))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    line = next(row for row in done.stdout.splitlines() if row.startswith("CLAIMS"))
    held: dict[str, list[str]] = json.loads(line.removeprefix("CLAIMS"))
    return {name: sorted(files, key=_slowness) for name, files in held.items()}


def _slowness(file: str) -> tuple[int, str]:
    slow = ("tests/unit", "tests/contracts", "tests/conformance", "tests/stories")
    return next((n for n, part in enumerate(slow) if file.startswith(part)), len(slow)), file


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
    patches, files = sabotages(), tested()
    missed = []
    for claim in wanted or sorted(patches, key=lambda name: (name[0], int(name[1:]))):
        for number, one in enumerate(patches[claim], 1):
            named = claim if len(patches[claim]) == 1 else f"{claim}/{number}"
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", "--sabotage", named, "-x", "-q"),
                    *dict.fromkeys(files.get(claim, ["tests"])),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            ended = f"NOT CAUGHT (pytest ended with {done.returncode})"
            said = _SAID.get(done.returncode, ended)
            if said != "caught":
                missed.append(named)
            print(f"{named:6} {said}: {one.why}", flush=True)
    print(f"{len(missed)} sabotages not caught: {' '.join(missed) or '-'}")
    return 1 if missed else 0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage.run", description=__doc__)
    parser.add_argument("ids", nargs="*", help="of the claims to sabotage; all where none is named")
    parser.add_argument(
        "--claims", action="store_true", help="only list which claims have a test and a sabotage"
    )
    asked = parser.parse_args(arguments)
    if without := sorted(set(asked.ids) - sabotages().keys()):
        parser.error(f"no sabotage of {', '.join(without)}; --claims lists which there are")
    return print_claims() if asked.claims else run(asked.ids)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
