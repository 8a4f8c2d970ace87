"""Run by another Python with other people's verifier: audits an export against a key, by none of our code.

`python others_audit.py FOLDER VKEY` prints what was proven and ends with 0, or says why not and ends with 1.
"""

import sys
from pathlib import Path

import aics_tlog  # type: ignore[import-not-found]
from aics_tlog.checkpoint import checkpoint_from_note  # type: ignore[import-not-found]
from aics_tlog.verified import audit_tiles  # type: ignore[import-not-found]


def main(folder: str, vkey: str) -> int:
    note = aics_tlog.parse_note((Path(folder) / "checkpoint").read_text(encoding="utf-8"))
    result = aics_tlog.verify_checkpoint(note, aics_tlog.parse_vkey(vkey))
    if not result.ok:
        sys.stdout.write(f"{result}\n")
        return 1
    checkpoint, _ = checkpoint_from_note(note)
    try:
        proven = audit_tiles(
            aics_tlog.FileSystemTileReader(folder), checkpoint.size, checkpoint.root
        )
    except (OSError, ValueError) as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(f"{proven.size} {proven.tiles} {proven.bundles}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
