"""`exchange demo`: the fictional district, its story on the terminal, then the exchange served."""

import secrets
import signal
import socket
import tempfile
import threading
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from audit.note import parse_vkey
from exchange.archives import write_keys
from exchange.cli.telling import telling
from exchange.clock import now
from exchange.demo.setup import (
    APPROVER_KEY_ID,
    CASE,
    District,
    found_district,
    join_systems,
    publish,
    write_approver_key,
)
from exchange.demo.sources import LabourService
from exchange.demo.story import Story
from exchange.demo.witness import DepartmentWitness, write_policy
from exchange.home import locked
from exchange.node import Node, create_home, open_node
from exchange.portal.pages.sign_in import link_address
from exchange.serving import Serving
from exchange.settings import Settings, environment, read_settings

WITNESS = "witness.market.yunxiu.example"
WITNESSES = "witnesses"
VISITS = (
    ("the provider's inbox: one request is still to decide", "market.head", "/inbox"),
    ("the hall's case with its receipts", "hall.operator", f"/cases?number={CASE}"),
    ("the auditor's case list", "auditor", f"/audit/cases?number={CASE}"),
)
"""Who visits, as which officer, and where the link lands."""


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="State; a fresh folder otherwise.")
@click.option("--once", is_flag=True, help="End after the story; exit non-zero unless it came out.")
@click.option("--port", type=int, default=8800, help="Port; the next free one if it is taken.")
def demo(home: Path | None, once: bool, port: int) -> None:
    """Tell the building-permit story in a fictional district, then serve it."""
    with telling():
        told = environment()
        folder = home or (Path(told["EXCHANGE_HOME"]) if told.get("EXCHANGE_HOME") else _fresh())
        base = read_settings({}, home=folder)
        approver = generate_private_key(SECP256R1())
        settings = Settings(
            home=base.home,
            port=_free(port),
            origin="exchange.yunxiu.example/log",
            policy_keys=write_keys({APPROVER_KEY_ID: approver.public_key()}),
            demo=True,
            witness_policy=WITNESSES,
        )
        key = parse_vkey(create_home(settings))
        write_approver_key(settings.home, approver)
        witness = DepartmentWitness(settings.home / "witness", name=WITNESS, now=now)
        witness.start(origin=settings.origin, key=key)
        try:
            write_policy(settings.home / WITNESSES, key=key, witness=witness)
            with locked(settings.home):
                failed = _play(open_node(settings), witness=witness, once=once)
        finally:
            witness.stop()
    if failed:
        raise click.ClickException(
            f"{len(failed)} steps did not come out as told: {'; '.join(failed)}"
        )


def _play(node: Node, *, witness: DepartmentWitness, once: bool) -> list[str]:
    settings = node.settings
    click.echo(f"the fictional district of Yunxiu (云岫区), kept in {settings.home}")
    labour = LabourService(token=secrets.token_urlsafe(18))
    labour.start()
    place = found_district(node, say=_say)
    serving = Serving(node)
    serving.start()
    try:
        join_systems(place, base_url=settings.base_url, vkey=node.vkey, say=_say)
        publish(place, labour_url=f"http://127.0.0.1:{labour.port}", token=labour.token, say=_say)
        story = Story(place, base_url=settings.base_url, say=click.echo, witness=witness)
        story.tell(labour)
        story.close()
        click.echo("")
        if not story.failed:
            click.echo("the story came out as told")
        if not once:
            _serve_on(place, labour)
        return story.failed
    finally:
        labour.stop()
        serving.stop()


def _invite(place: District) -> None:
    """Tell the three users' addresses, each with its link to sign in by, then the commands."""
    settings, home = place.node.settings, place.node.settings.home
    officers = place.node.live.load().officers
    click.echo(f"\nserving {settings.base_url} (Ctrl-C ends it). Each link signs in once,")
    click.echo("within ten minutes; sign out before the next one, or use a private window:\n")
    for who, handle, to in VISITS:
        secret = place.node.sign_in.offer_link(officers[place.ids[handle]], by=None)
        click.echo(f"  {who}\n    {link_address(settings.base_url, secret, to=to)}")
    click.echo("\nIn another terminal:\n")
    click.echo(f"  export EXCHANGE_HOME={home}")
    click.echo("  exchange request list --as labour.head              # the provider's inbox")
    click.echo("  exchange grant list --as market.operator            # what was granted")
    click.echo(f"  exchange audit search --case {CASE} --as auditor   # the auditor's case list")
    click.echo("  exchange policy show --as approver                  # what decides, what waits")
    click.echo("  exchange audit fsck --registry --as auditor")
    click.echo(
        f"  exchange audit verify {home}/exports/receipt.json --answer {home}/exports/answer.json"
    )
    click.echo(f"  {settings.base_url}/health/ready   {settings.base_url}/log/checkpoint")


def _serve_on(place: District, labour: LabourService) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    # A shell ignores Ctrl-C on behalf of what it runs in the background; whoever sends it means it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        labour.restart()
        _invite(place)
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("\nended")


def _fresh() -> Path:
    return Path(tempfile.mkdtemp(prefix="exchange-demo-"))


def _free(port: int) -> int:
    """Return the port, or a free one where it is taken."""
    for candidate in (port, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise click.ClickException("no port of 127.0.0.1 is free")


def _say(text: str) -> None:
    click.echo(f"  {text}")
