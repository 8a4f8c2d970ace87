"""`exchange audit witness`: watch a log of somebody else's and cosign what extends it."""

from pathlib import Path

import click
import uvicorn

from audit.errors import MalformedError
from audit.keys import create_witness_keys, load_witness_keys
from audit.note import Kind, Verifier, parse_vkey
from audit.witness import Witness
from audit.witness_state import FileStates
from exchange.cli.telling import telling
from exchange.clock import now, random_bytes
from exchange.web.witness import witness_app


@click.command("witness")
@click.option("--origin", required=True, help="Origin of the log to watch.")
@click.option("--vkey", multiple=True, required=True, help="Key that the log signs with.")
@click.option("--name", required=True, help="Name of this witness: a URL without scheme.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File that remembers what was cosigned; the keys lie beside it.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=8850, show_default=True, help="Port to listen on.")
def witness(
    origin: str, vkey: tuple[str, ...], name: str, state: Path, host: str, port: int
) -> None:
    """Watch a log as its witness, until interrupted: cosign each checkpoint that extends the last one."""
    with telling():
        keys = read_keys(vkey, origin=origin)
        folder = state.absolute().parent
        if not (folder / "witness.ed25519").exists():
            create_witness_keys(folder, name=name, random=random_bytes)
        cosigners = load_witness_keys(folder)
        if cosigners[0].verifier.name != name:
            raise MalformedError(
                f"the keys in {folder} are of {cosigners[0].verifier.name}, not of {name}"
            )
        watching = Witness(
            logs={origin: keys}, cosigners=cosigners, states=FileStates(state), now=now
        )
        verifiers = tuple(held.verifier for held in cosigners)
        for verifier in verifiers:
            click.echo(f"{_KINDS[verifier.kind]}: {verifier.vkey}")
        click.echo(f"watching {origin} on http://{host}:{port}")
        uvicorn.run(
            witness_app(watching, keys=verifiers),
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
        )


_KINDS = {
    Kind.ED25519: "Ed25519",
    Kind.COSIGNATURE: "Ed25519 cosignature",
    Kind.SUBTREE: "ML-DSA-44 cosignature",
}


def read_keys(vkeys: tuple[str, ...], *, origin: str) -> list[Verifier]:
    """Read the keys of a log. Raises MalformedError for one that does not sign for the origin."""
    keys = [parse_vkey(text) for text in vkeys]
    for key in keys:
        if key.name != origin:
            raise MalformedError(f"a key of {key.name}, one of {origin} needed")
        if key.kind is Kind.COSIGNATURE:
            raise MalformedError("a key of a witness, one of the log needed")
    return keys
