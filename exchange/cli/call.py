"""`exchange call`: one governed query, its receipt checked and kept."""

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click
import httpx

from exchange.cli.say import as_json, tell
from exchange.client.errors import ClientError
from exchange.client.session import Exchange
from exchange.client.signing import SigningKey
from exchange.identity.errors import IdentityError
from gateway.model import Usage

_AS_SYSTEM = (
    click.option(
        "--key",
        type=click.Path(path_type=Path, exists=True),
        required=True,
        help="The system's private key (PEM).",
    ),
    click.option("--url", default="http://127.0.0.1:8800", help="Where the exchange is."),
    click.option(
        "--lang",
        "language",
        type=click.Choice(["zh", "en"]),
        default="zh",
        help="Of what the exchange says.",
    ),
)


def as_system(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what a system asks by; it takes `key`, `url` and `language`."""
    return reduce(lambda made, option: option(made), reversed(_AS_SYSTEM), command)


@click.command()
@click.argument(
    "query", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False
)
@click.option(
    "--document", help="Name, or sha256:DIGEST, of a registered document, in place of QUERY."
)
@click.option("--var", "variables", multiple=True, help="NAME=VALUE; JSON values as JSON.")
@click.option("--matter", required=True, help="Matter code.")
@click.option("--case", required=True, help="Case number.")
@click.option("--purpose", default="administrative-basis", help="Purpose of the use.")
@click.option("--reason", required=True, help="用证事由, at most 200 characters.")
@click.option("--operator", required=True, help="Staff number, or system:NAME for a job.")
@as_system
@click.option("--vkey", help="Key of the log; fetched from the exchange otherwise (and said so).")
@click.option(
    "--save", type=click.Path(path_type=Path, file_okay=False), help="Folder for the answer."
)
@as_json
def call(
    query: Path | None,
    document: str | None,
    variables: tuple[str, ...],
    matter: str,
    case: str,
    purpose: str,
    reason: str,
    operator: str,
    key: Path,
    url: str,
    language: str,
    vkey: str | None,
    save: Path | None,
    json_: bool,
) -> None:
    """Send QUERY (a .graphql file) or ask by a registered document; check the receipt, print the answer."""
    if (query is None) == (document is None):
        raise click.UsageError("a QUERY or a --document, one of them needed")
    usage = Usage(matter=matter, case=case, purpose=purpose, reason=reason, operator=operator)
    try:
        told = vkey or fetch_keys(url)
        with Exchange(url, key=SigningKey.read(key), vkey=told, language=language) as exchange:
            if query is not None:
                text = query.read_text(encoding="utf-8")
                answer = exchange.query(text, _variables(variables), usage=usage)
            else:
                answer = exchange.document(str(document), _variables(variables), usage=usage)
    except (ClientError, IdentityError, httpx.HTTPError) as error:
        raise click.ClickException(str(error)) from error
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        (save / "answer.json").write_bytes(answer.raw)
        (save / "request.json").write_bytes(answer.request)
        (save / "receipt.json").write_text(json.dumps(answer.receipt, ensure_ascii=False))
    if json_:
        tell(json.loads(answer.raw), json_=True)
        return
    click.echo(json.dumps(answer.data, ensure_ascii=False, indent=2))
    shown = ("path", "outcome", "code", "masked", "refused", "next")
    tell([{name: line[name] for name in shown} for line in answer.outcomes], json_=False)
    click.echo(
        f"receipt: {answer.state}, entry {answer.entry['index']} of {answer.entry['origin']}"
    )


def _variables(given: tuple[str, ...]) -> dict[str, Any]:
    """Read NAME=VALUE; a value that is JSON is taken as such, anything else as text."""
    read: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--var {name}: NAME=VALUE needed")
        try:
            read[name] = json.loads(value)
        except json.JSONDecodeError:
            read[name] = value
        # An identifier of digits alone is text: its leading zeros count.
        if isinstance(read[name], int | float) and not isinstance(read[name], bool):
            read[name] = value
    return read


def fetch_keys(url: str) -> list[str]:
    """Return the keys of the log as the exchange itself says them, and say so."""
    base = url.rstrip("/")
    try:
        response = httpx.get(f"{base}/log/key", timeout=10, trust_env=False)
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise click.ClickException(
            f"{base} answers {error.response.status_code} where the log's key should be: no exchange?"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise click.ClickException(
            f"no answer from {base} ({type(error).__name__}): "
            "`exchange serve` starts one, --url names another"
        ) from error
    click.echo("the log's key was taken from the exchange itself; keep it and use --vkey", err=True)
    return response.text.splitlines()
