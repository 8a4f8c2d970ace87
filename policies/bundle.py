"""Bundles: modules and data under one revision and expiry, in the format that OPA loads.

An archive is a gzipped tar with `.manifest`, `data.json`, the modules and, once signed, `.signatures.json`.
JSON members are written canonically (sorted, no spaces), so that OPA's digest of a JSON document and the
digest of its bytes are one, and the same content gives the same archive.
"""

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)

from policies.engine import LoadError
from policies.lint import facts_read, lint

ROOTS = ("departments", "exchange")
ALGORITHM = "ES256"
"""The one algorithm: a signature that names another, or none, is refused."""

PACKAGED_SERIAL = 0
"""Of the policy as shipped, in force until the first bundle is activated."""
MOST_SERIAL = 2**53 - 1

_PACKAGED = Path(__file__).parent / "rego"
_SIGNATURES = ".signatures.json"
_MANIFEST = ".manifest"
_DATA = "data.json"
_TEST = "_test.rego"
_SAID_ANEW = frozenset({"bundle", "reads"})
_MOST_FILES = 1_000
_MOST_BYTES = 16 * 1024 * 1024
_SAFE_NAME = re.compile(r"(?!.*(^|/)\.\.?(/|$))[A-Za-z0-9._/-]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What an engine loads. `data.exchange.bundle` says revision, expires and serial, as the members do."""

    modules: Mapping[str, str]
    """File name within the bundle → source; no tests."""
    data: Mapping[str, Any]
    revision: str
    expires: int
    """Epoch seconds from which nothing is decided under it any more."""
    serial: int = PACKAGED_SERIAL
    """Grows with every bundle that is put in force; what is packaged comes before all of them."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an archive says of itself: members as those of Bundle."""

    revision: str
    expires: int
    serial: int


def packaged_modules(*, tests: bool = False) -> dict[str, str]:
    """Return the exchange's own modules as shipped, with their `_test.rego` where asked for."""
    return _modules_under(_PACKAGED, tests=tests)


def packaged_data() -> dict[str, Any]:
    """Return the reference data as shipped."""
    return _data_under(_PACKAGED)


def default_bundle(
    *,
    expires: int,
    revision_suffix: str = "",
    departments: Mapping[str, str] | None = None,
    serial: int = PACKAGED_SERIAL,
) -> Bundle:
    """Return the shipped policy, together with departments' own modules (file name → source).

    The revision is a digest of the content, so that other rules never pass under the same name. Raises
    LoadError where a department's module breaks an authoring rule.
    """
    foreign = [name for name in departments or {} if not name.startswith("departments/")]
    if foreign:
        raise LoadError(f"{foreign[0]} is no department's module: those stand under departments/")
    own = tuple(sorted((departments or {}).items()))
    return _default(own, revision_suffix, expires, serial)


@lru_cache(maxsize=8)
def _default(own: tuple[tuple[str, str], ...], suffix: str, expires: int, serial: int) -> Bundle:
    """Compose once in a process what is shipped and cannot change: its rules are linted each time."""
    modules = {**packaged_modules(), **dict(own)}
    data = _data_under(_PACKAGED)
    revision = f"{_named(modules, data)}{suffix}"
    return compose(modules, data, revision=revision, expires=expires, serial=serial)


def release(
    modules: Mapping[str, str], data: Mapping[str, Any], *, serial: int, expires: int
) -> Bundle:
    """Return a bundle that can be signed: its revision names its content and its serial.

    `data` may be another bundle's: what that says of itself is said anew. Raises LoadError.
    """
    if serial <= PACKAGED_SERIAL:
        raise LoadError(f"serial {serial}, more than {PACKAGED_SERIAL} needed")
    exchange = {
        name: held for name, held in data.get("exchange", {}).items() if name not in _SAID_ANEW
    }
    reference = {**data, "exchange": exchange}
    revision = f"{_named(modules, reference)}.{serial}"
    return compose(modules, reference, revision=revision, expires=expires, serial=serial)


def compose(
    modules: Mapping[str, str],
    data: Mapping[str, Any],
    *,
    revision: str,
    expires: int,
    serial: int = PACKAGED_SERIAL,
) -> Bundle:
    """Put modules and reference data together under a revision, a serial and an expiry.

    Raises LoadError at the first finding of the linter: what it cannot vouch for is not loaded. Tests are
    no part of a bundle, because the linter does not judge them.
    """
    tests = sorted(name for name in modules if name.endswith(_TEST))
    if tests:
        raise LoadError(f"{tests[0]}: tests travel beside a bundle, not in it")
    if not PACKAGED_SERIAL <= serial <= MOST_SERIAL:
        raise LoadError(f"serial {serial}, {PACKAGED_SERIAL} to {MOST_SERIAL} needed")
    findings = lint(modules)
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise LoadError(f"{findings[0]}{more}")
    exchange = {
        **data.get("exchange", {}),
        "bundle": {"revision": revision, "expires": expires, "serial": serial},
        "reads": facts_read(modules),
    }
    return Bundle(
        modules=dict(sorted(modules.items())),
        data={**data, "exchange": exchange},
        revision=revision,
        expires=expires,
        serial=serial,
    )


def build(bundle: Bundle) -> bytes:
    """Return the bundle as an unsigned archive; the same bundle gives the same bytes."""
    manifest = {
        "revision": bundle.revision,
        "roots": list(ROOTS),
        "rego_version": 1,
        "metadata": {"serial": bundle.serial},
    }
    return _pack(
        {
            _MANIFEST: _encode(manifest),
            _DATA: _encode(bundle.data),
            **{name: source.encode() for name, source in bundle.modules.items()},
        }
    )


def sign(archive: bytes, *, key: EllipticCurvePrivateKey, key_id: str) -> bytes:
    """Return the archive with one ES256 signature over the digest of each of its files."""
    files = _unpack(archive)
    files.pop(_SIGNATURES, None)
    claims = {
        "files": [
            {"name": name, "hash": _digest(content), "algorithm": "SHA-256"}
            for name, content in sorted(files.items())
        ]
    }
    token = jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key_id})
    return _pack({**files, _SIGNATURES: _encode({"signatures": [token]})})


def verify(archive: bytes, *, keys: Mapping[str, EllipticCurvePublicKey]) -> str:
    """Return the id of the key that signed exactly the files of the archive.

    Raises LoadError where none of the keys (by id) did, or under another algorithm than ES256.
    """
    files = _unpack(archive)
    found = _decode(files.pop(_SIGNATURES, b"null"), _SIGNATURES)
    match found:
        case {"signatures": [str(token)]}:
            pass
        case _:
            raise LoadError("a bundle needs exactly one signature")
    key_id, signed = _signed_files(token, keys=keys)
    if signed != {name: _digest(content) for name, content in files.items()}:
        raise LoadError("the bundle's files are not the files that were signed")
    return key_id


def load_archive(
    archive: bytes, *, keys: Mapping[str, EllipticCurvePublicKey] | None = None
) -> Bundle:
    """Return the bundle in an archive. With `keys` it must be signed by one of them.

    `keys` is None only for archives that this process built itself.
    """
    if keys is not None:
        verify(archive, keys=keys)
    files = _unpack(archive)
    data = _decode(files.get(_DATA, b"null"), _DATA)
    manifest = _decode(files.get(_MANIFEST, b"null"), _MANIFEST)
    modules = {name: _text(name, raw) for name, raw in files.items() if name.endswith(".rego")}
    foreign = files.keys() - modules.keys() - {_DATA, _MANIFEST, _SIGNATURES}
    if foreign:
        raise LoadError(f"{len(foreign)} files in the bundle are neither Rego, data nor manifest")
    return _loaded(modules, data, manifest)


def claims(archive: bytes) -> Claims:
    """Return what an archive says of itself, none of it checked. Raises LoadError where it is no archive."""
    files = _unpack(archive)
    data = _decode(files.get(_DATA, b"null"), _DATA)
    return _claimed(data, _decode(files.get(_MANIFEST, b"null"), _MANIFEST))


def contents(archive: bytes) -> dict[str, str]:
    """Return the files of an archive but its signature, by name, for people to compare. Raises LoadError."""
    files = _unpack(archive)
    return {name: _shown(name, raw) for name, raw in sorted(files.items()) if name != _SIGNATURES}


def digest_of(archive: bytes) -> str:
    """Return the name under which an archive is kept, proposed and put in force: its SHA-256, hex."""
    return _digest(archive)


def rego_under(path: Path, *, tests: bool) -> dict[str, str]:
    """Return the modules of a folder by name, either its tests alone or all but its tests."""
    found = _modules_under(path, tests=True)
    return {name: source for name, source in found.items() if name.endswith(_TEST) is tests}


def load_directory(path: Path) -> Bundle:
    """Return the bundle in a directory: `.manifest`, `data.json` at any depth, and modules."""
    try:
        manifest = _decode((path / _MANIFEST).read_bytes(), _MANIFEST)
    except OSError as error:
        raise LoadError(f"no {_MANIFEST} can be read in {path}") from error
    return _loaded(_modules_under(path), _data_under(path), manifest)


def _loaded(modules: Mapping[str, str], data: Any, manifest: Any) -> Bundle:
    said = _claimed(data, manifest)
    bundle = compose(
        modules, data, revision=said.revision, expires=said.expires, serial=said.serial
    )
    if bundle.data != data:
        raise LoadError("data.exchange.reads does not say what the departments' rules read")
    return bundle


def _claimed(data: Any, manifest: Any) -> Claims:
    match data, manifest:
        case (
            {
                "exchange": {
                    "bundle": {
                        "revision": str(revision),
                        "expires": int(expires),
                        "serial": int(serial),
                    }
                }
            },
            {"revision": str(named), "metadata": {"serial": int(counted)}},
        ) if revision == named and serial == counted and _whole(serial, counted, expires):
            return Claims(revision=revision, expires=expires, serial=serial)
        case _:
            raise LoadError(
                "a bundle needs one revision and one serial in its manifest and in "
                "data.exchange.bundle, and there an expiry"
            )


def _whole(*numbers: object) -> bool:
    """Whether none is a truth value, which Python counts among the integers."""
    return not any(isinstance(number, bool) for number in numbers)


def _signed_files(
    token: str, *, keys: Mapping[str, EllipticCurvePublicKey]
) -> tuple[str, dict[str, str]]:
    """Return the id of the key, and the digests that it signed by name."""
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        key = keys.get(key_id) if isinstance(key_id, str) else None
        if key is None or not isinstance(key_id, str):
            raise LoadError("the bundle is signed under a key id that is not configured")
        claims = jwt.decode(token, key, algorithms=[ALGORITHM])
    except jwt.PyJWTError as error:
        raise LoadError(f"the bundle's signature does not hold: {error}") from error
    signed: dict[str, str] = {}
    for entry in claims.get("files", ()):
        match entry:
            case {"name": str(name), "hash": str(digest), "algorithm": "SHA-256"} if (
                name not in signed
            ):
                signed[name] = digest
            case _:
                raise LoadError("the bundle's signature lists a file that cannot be read")
    return key_id, signed


def _named(modules: Mapping[str, str], data: Mapping[str, Any]) -> str:
    """Name a content by its digest."""
    return f"exchange-{_digest(_encode([sorted(modules.items()), data]))[:16]}"


def _modules_under(path: Path, *, tests: bool = False) -> dict[str, str]:
    return {
        file.relative_to(path).as_posix(): _text(file.name, file.read_bytes())
        for file in sorted(path.rglob("*.rego"))
        if tests or not file.name.endswith(_TEST)
    }


def _data_under(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for file in sorted(path.rglob(_DATA)):
        holder = data
        for step in file.relative_to(path).parent.parts:
            holder = holder.setdefault(step, {})
        content = _decode(file.read_bytes(), file.relative_to(path).as_posix())
        if not isinstance(content, dict) or holder.keys() & content.keys():
            raise LoadError(f"{file} is no object, or says again what another file says")
        holder.update(content)
    return data


def _pack(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def _unpack(archive: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(archive)) as stream:
            raw = stream.read(_MOST_BYTES + 1)
        if len(raw) > _MOST_BYTES:
            raise LoadError(f"a bundle has at most {_MOST_BYTES} bytes")
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                name = member.name
                if content is None or not _SAFE_NAME.fullmatch(name) or name in files:
                    raise LoadError("a bundle holds plain files under plain, different names")
                files[name] = content.read()
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
        raise LoadError("a bundle is a gzipped tar archive") from error
    if len(files) > _MOST_FILES:
        raise LoadError(f"{len(files)} files in the bundle, at most {_MOST_FILES}")
    return files


def _encode(value: Any) -> bytes:
    # U+2028 and U+2029 stand escaped, as Go writes them: OPA digests a JSON document in its own spelling.
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


def _decode(raw: bytes, name: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise LoadError(f"{name} is no JSON") from error


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise LoadError(f"{name} is not UTF-8") from error


def _shown(name: str, raw: bytes) -> str:
    """JSON over lines, so that a difference shows a member and not the whole document."""
    if name.endswith(".rego"):
        return _text(name, raw)
    told = json.dumps(_decode(raw, name), sort_keys=True, indent=1, ensure_ascii=False)
    return f"{told}\n"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
