"""`exchange policy`: bundles from the approver's desk to the gateway, and back to an earlier one."""

from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from exchange.archives import p256, read_keys, write_keys
from exchange.cli.office import Office, with_office
from exchange.cli.say import as_json, tell
from exchange.cli.telling import telling
from exchange.home import check_home, write_private
from exchange.settings import environment, read_settings, write_settings
from policies.bundle import (
    Bundle,
    digest_of,
    load_archive,
    packaged_data,
    packaged_modules,
    rego_under,
    release,
)
from policies.bundle import (
    build as build_archive,
)
from policies.bundle import (
    sign as sign_archive,
)
from policies.bundle import (
    verify as verify_archive,
)
from policies.engine import LoadError
from policies.opa import AUTHORIZATION

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
OUT = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write."
)
SERIAL = click.option(
    "--serial", type=click.IntRange(min=1), required=True, help="Above every one that was in force."
)
EXPIRES = click.option(
    "--expires", required=True, help="YYYY-MM-DD or RFC 3339: nothing is decided from then on."
)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Private key, PEM.")
@as_json
def key(out: Path, json_: bool) -> None:
    """Make an approver's key pair: OUT, and OUT.pub to be given to the gateway's administrator."""
    with telling():
        made = generate_private_key(SECP256R1())
        public = out.with_name(f"{out.name}.pub")
        try:
            write_private(
                out,
                made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            )
        except FileExistsError as error:
            raise click.ClickException(f"{out} exists; a key is never written over") from error
        public.write_bytes(
            made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        tell({"key": str(out), "public": str(public)}, json_=json_)


@click.command()
@click.option("--departments", type=FOLDER, help="Folder with departments/<code>/*.rego.")
@click.option(
    "--from", "from_", type=FILE, help="An earlier archive, in place of what is packaged."
)
@SERIAL
@EXPIRES
@OUT
@as_json
def build(
    departments: Path | None, from_: Path | None, serial: int, expires: str, out: Path, json_: bool
) -> None:
    """Build a bundle of the packaged policy, or of an earlier archive, with departments' own rules."""
    with telling():
        modules, data = _content(from_)
        own = {} if departments is None else rego_under(departments, tests=False)
        foreign = [name for name in own if not name.startswith("departments/")]
        if foreign:
            raise LoadError(f"{foreign[0]}: departments' rules stand under departments/<code>/")
        _write_release(
            {**modules, **own}, data, serial=serial, expires=expires, out=out, json_=json_
        )


@click.command()
@click.argument("file", type=FILE)
@click.option("--key", "key_", type=FILE, required=True, help="Approver's private key, PEM.")
@click.option("--key-id", required=True, help="Its id, as the gateway knows it.")
@as_json
def sign(file: Path, key_: Path, key_id: str, json_: bool) -> None:
    """Sign FILE with an approver's key; needs no home, and belongs on the approver's own machine."""
    with telling():
        archive = file.read_bytes()
        bundle = load_archive(archive)
        signed = sign_archive(archive, key=_private(key_), key_id=key_id)
        file.write_bytes(signed)
        tell(_said(bundle, signed) | {"signed_by": key_id}, json_=json_)


@click.command()
@click.argument("file", type=FILE)
@click.option("--trust", "trusted", multiple=True, required=True, help="ID=PUB.pem of an approver.")
@as_json
def verify(file: Path, trusted: tuple[str, ...], json_: bool) -> None:
    """Check that one of the keys signed FILE whole, and that its rules pass the linter."""
    with telling():
        keys = dict(_pair(one) for one in trusted)
        archive = file.read_bytes()
        key_id = verify_archive(archive, keys=keys)
        tell(_said(load_archive(archive, keys=keys), archive) | {"signed_by": key_id}, json_=json_)


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="The home; else $EXCHANGE_HOME.")
@click.argument("key_id")
@click.argument("public", type=FILE)
@as_json
def trust(home: Path | None, key_id: str, public: Path, json_: bool) -> None:
    """Take bundles signed under KEY_ID with the key in PUBLIC (PEM); holds from the next start."""
    with telling():
        folder = read_settings(environment(), home=home).home
        check_home(folder)
        # The file alone: what the environment says for this command is not for every later start.
        written = read_settings({}, home=folder)
        keys = {**read_keys(written.policy_keys), **dict([_pair(f"{key_id}={public}")])}
        write_settings(replace(written, policy_keys=write_keys(keys)))
        tell({"keys": sorted(keys)}, json_=json_)


@click.command()
@click.argument("file", type=FILE)
@click.option("--tests", type=FOLDER, help="Folder with departments' own *_test.rego.")
@as_json
@with_office
def propose(office: Office, file: Path, tests: Path | None, json_: bool) -> None:
    """Propose the signed FILE: signature, rules and tests are checked, and nothing changes yet."""
    said = office.perform(
        "policy.propose",
        archive=b64encode(file.read_bytes()).decode(),
        tests={} if tests is None else rego_under(tests, tests=True),
    )
    tell(said, json_=json_)


@click.command()
@click.argument("digest")
@as_json
@with_office
def activate(office: Office, digest: str, json_: bool) -> None:
    """Put the proposed bundle DIGEST in force; the next call is decided under it."""
    tell(office.perform("policy.activate", digest=digest), json_=json_)


@click.command()
@click.argument("digest")
@click.option("--reason", default="", help="Kept sealed with the record of the act.")
@as_json
@with_office
def withdraw(office: Office, digest: str, reason: str, json_: bool) -> None:
    """Take the waiting proposal DIGEST back."""
    tell(office.perform("policy.withdraw", digest=digest, reason=reason), json_=json_)


@click.command()
@as_json
@with_office
def show(office: Office, json_: bool) -> None:
    """Show what decides now, what waits for a second approver, and what was before."""
    said = office.perform("policy.show")
    if json_:
        tell(said, json_=True)
        return
    decides = said["decides"]
    if decides is None:
        click.echo(f"nothing decides, every call is refused: {said['problem']}")
    else:
        click.echo(f"decides: {decides['revision']} until {decides['expires']}")
        if said["problem"]:
            click.echo(f"problem: {said['problem']}")
        if decides["packaged"]:
            click.echo("the packaged policy, renewed by itself until a bundle is put in force")
    columns = ("serial", "revision", "state", "expires", "proposal", "activation", "digest")
    for title, rows in (
        ("in force", [said["in_force"]] if said["in_force"] else []),
        ("waiting", said["waiting"]),
        ("past", said["past"]),
    ):
        tell([{name: row[name] for name in columns} for row in rows], json_=False, title=title)
    if said["approvers"] < 2:
        click.echo(f"{said['approvers']} policy approvers, 2 needed to put a bundle in force")
    if not said["keys"]:
        click.echo("no approver's key is trusted: see exchange policy trust")


@click.command()
@click.argument("digest")
@as_json
@with_office
def compare(office: Office, digest: str, json_: bool) -> None:
    """Show how the bundle DIGEST differs from what decides now: files, and lines of each."""
    said = office.perform("policy.compare", digest=digest)
    if json_:
        tell(said, json_=True)
        return
    if not said["files"]:
        click.echo("no file differs")
    for file in said["files"]:
        click.echo(f"{file['change']}: {file['file']}")
        for line in file["lines"]:
            click.echo(f"  {line}")
        if file["more"]:
            click.echo(f"  … {file['more']} lines more")


@click.command()
@click.argument("digest")
@SERIAL
@EXPIRES
@OUT
@as_json
@with_office
def rollback(
    office: Office, digest: str, serial: int, expires: str, out: Path, json_: bool
) -> None:
    """Prepare the rules of the earlier bundle DIGEST under a new serial, to be signed and proposed."""
    kept = load_archive(b64decode(office.perform("policy.archive", digest=digest)["archive"]))
    _write_release(kept.modules, kept.data, serial=serial, expires=expires, out=out, json_=json_)


@click.command("opa-rules")
def opa_rules() -> None:
    """Print the rules by which an OPA server judges its own callers: decisions for gateways, no writes."""
    click.echo(AUTHORIZATION, nl=False)


def _content(archive: Path | None) -> tuple[dict[str, str], dict[str, Any]]:
    if archive is None:
        return packaged_modules(), packaged_data()
    bundle = load_archive(archive.read_bytes())
    return dict(bundle.modules), dict(bundle.data)


def _write_release(
    modules: Any, data: Any, *, serial: int, expires: str, out: Path, json_: bool
) -> None:
    bundle = release(modules, data, serial=serial, expires=_moment(expires))
    archive = build_archive(bundle)
    out.write_bytes(archive)
    tell({"file": str(out), **_said(bundle, archive)}, json_=json_)


def _said(bundle: Bundle, archive: bytes) -> dict[str, Any]:
    return {
        "digest": digest_of(archive),
        "revision": bundle.revision,
        "serial": bundle.serial,
        "expires": datetime.fromtimestamp(bundle.expires, UTC).isoformat(),
        "modules": len(bundle.modules),
    }


def _moment(text: str) -> int:
    """Read a day or a time as whole epoch seconds; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"--expires is {text!r}, needs YYYY-MM-DD or RFC 3339") from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _private(path: Path) -> EllipticCurvePrivateKey:
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise click.UsageError(f"{path} is no unencrypted private key in PEM") from error
    if not isinstance(found, EllipticCurvePrivateKey):
        raise click.UsageError(f"{path} is no P-256 key, and bundles are signed with ES256")
    p256(found.public_key(), named=str(path))
    return found


def _pair(text: str) -> tuple[str, EllipticCurvePublicKey]:
    """Read ID=PUB.pem."""
    key_id, _, path = text.partition("=")
    if not key_id or key_id != "".join(key_id.split()) or not Path(path).is_file():
        raise click.UsageError(f"{text!r}: ID=PUB.pem needed, the id without white space")
    try:
        found = load_pem_public_key(Path(path).read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise click.UsageError(f"{path} is no public key in PEM") from error
    return key_id, p256(found, named=path)
