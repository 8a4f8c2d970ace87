"""Tells others the log's keys: `log.vkey` is the newest, `log.vkeys` all of them with the sizes they sign."""

from pathlib import Path

from audit.key_spans import format_spans
from audit.keys import LogKeys

NEWEST = "log.vkey"
ALL = "log.vkeys"


def tell_keys(home: Path, keys: LogKeys) -> None:
    """Write both files where they say something else."""
    for name, text in ((NEWEST, f"{keys.signer.vkey}\n"), (ALL, format_spans(keys.spans))):
        path = home / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            fresh = path.with_name(name + ".new")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)


def told_keys(home: Path) -> tuple[str, ...]:
    """Return the keys as verifiers take them: with their sizes where those are known, or the newest."""
    for name in (ALL, NEWEST):
        if (home / name).exists():
            return tuple((home / name).read_text(encoding="utf-8").splitlines())
    return ()
