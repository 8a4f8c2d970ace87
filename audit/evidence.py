"""Packs entries of the log for somebody outside: proofs, openings, policies and the verifier in one file.

`evidence/0` is a ZIP of `evidence.json`, `verify.py`, `README.txt`, `policy/<sha256>.tar.gz` and, where the
checkpoint bears a time stamp, `checkpoint.tst`. `evidence.json` is canonical JSON with the members `v`;
`about`, what was asked for; `checkpoint`, the signed note; `entries`, each with `index`, `entry` (its bytes
as text), `proof`, `openings` and `asked`, false where it only fills the numbers up; `lists`, the counters
whose numbers `first` to `last` are all enclosed; `policies`, SHA-256 by revision. A change of any member is
a new version number.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from audit import verify
from audit.canonical import b64, encode
from audit.entry import Opening

VERSION = "evidence/0"
_MADE = (1980, 1, 1, 0, 0, 0)
"""The ZIP format's oldest time: the same evidence makes the same file."""

_README = """证据包 · Evidence bundle

本包由政务数据共享交换系统的审计日志导出,可脱离该系统独立核验。
This bundle was taken from the log of a data-sharing exchange and is checked without it.

1. 向主管部门或见证方索取日志公钥(不要使用本包或经办人给出的公钥)。
   Ask the authority or a witness for the log's public key; take it from nobody whom you check.
2. 安装 Python 3.11 或更新版本及 cryptography 库。
   Install Python 3.11 or newer and the library `cryptography`.
3. 运行 Run:
       python verify.py EVIDENCE.zip --vkey KEY
   或解压后 or, unpacked:
       python verify.py . --vkey KEY

verify.py 是一个独立文件,可与系统发布的同名文件逐字节比对。
verify.py is one file; compare it byte by byte with the one that the exchange publishes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One entry as the bundle shows it."""

    index: int
    body: bytes
    proof: Sequence[bytes]
    openings: Mapping[str, Opening] = field(repr=False)
    asked: bool
    """Whether it is among what was asked for, or only fills the numbers up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """A counter whose numbers from first to last are all in the bundle."""

    counter: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    about: Mapping[str, Any]
    checkpoint: str
    entries: Sequence[Shown]
    lists: Sequence[Complete]
    policies: Mapping[str, bytes] = field(repr=False)
    """Archives by revision."""
    token: bytes | None = None
    """The checkpoint's time stamp; None where it has none."""


def pack_evidence(evidence: Evidence) -> bytes:
    """Write the ZIP; the same evidence gives the same bytes."""
    digests = {name: sha256(archive).hexdigest() for name, archive in evidence.policies.items()}
    files = {
        "README.txt": _README.encode(),
        "evidence.json": encode(_document(evidence, digests)),
        "verify.py": Path(verify.__file__).read_bytes(),
        **{
            f"policy/{digests[name]}.tar.gz": archive for name, archive in evidence.policies.items()
        },
    }
    if evidence.token is not None:
        files["checkpoint.tst"] = evidence.token
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in sorted(files.items()):
            bundle.writestr(zipfile.ZipInfo(name, _MADE), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _document(evidence: Evidence, digests: Mapping[str, str]) -> dict[str, Any]:
    return {
        "v": VERSION,
        "about": dict(evidence.about),
        "checkpoint": evidence.checkpoint,
        "entries": [
            {
                "index": shown.index,
                "entry": shown.body.decode(),
                "proof": [b64(held) for held in shown.proof],
                "openings": {name: _opening(held) for name, held in shown.openings.items()},
                "asked": shown.asked,
            }
            for shown in evidence.entries
        ],
        "lists": [
            {"counter": each.counter, "first": each.first, "last": each.last}
            for each in evidence.lists
        ],
        "policies": dict(digests),
    }


def _opening(held: Opening) -> dict[str, Any]:
    return {"salt": held.salt} | ({} if held.value is None else {"value": held.value})
