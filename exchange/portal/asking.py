"""The snippets with which a composed query is sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.composing import Composed


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The usage context of the snippets, as the form gave it."""

    matter: str
    case: str
    purpose: str
    reason: str
    operator: str


def body_of(composed: Composed, values: Mapping[str, str], *, usage: Usage) -> str:
    """The request body: what any GraphQL client sends, with the usage in `extensions`."""
    members = {
        "query": composed.document,
        "variables": dict(values),
        "extensions": {"usage": _members(usage)},
    }
    return json.dumps(members, ensure_ascii=False, indent=2)


def python_snippet(
    composed: Composed, values: Mapping[str, str], *, usage: Usage, url: str, vkey: str
) -> str:
    """With the client of this project: it signs, and checks the receipt before it returns."""
    given = ",\n    ".join(f"{name}={_python(value)}" for name, value in _members(usage).items())
    return f"""from pathlib import Path

from exchange.client.session import Exchange
from exchange.client.signing import SigningKey
from gateway.model import Usage

QUERY = {_python(composed.document)}
USAGE = Usage(
    {given},
)
with Exchange(
    {_python(url)},
    key=SigningKey.read(Path("system.pem")),
    vkey={_python(vkey)},
) as exchange:
    answer = exchange.query(QUERY, {_python_mapping(values)}, usage=USAGE)
print(answer.data)
print(answer.outcomes)
"""


def shell_snippet(values: Mapping[str, str], *, usage: Usage, url: str) -> str:
    """On the command line; the query stands in the file `ask.graphql`."""
    options = [
        *(f"--var {_shell(f'{name}={value}')}" for name, value in values.items()),
        f"--matter {_shell(usage.matter)} --case {_shell(usage.case)} --purpose {_shell(usage.purpose)}",
        f"--reason {_shell(usage.reason)} --operator {_shell(usage.operator)}",
        f"--key system.pem --url {_shell(url)} --save answers",
    ]
    return "exchange call ask.graphql \\\n  " + " \\\n  ".join(options) + "\n"


def curl_snippet(*, url: str) -> str:
    """With curl and a token bound to nothing: it opens unconditional data only; body in `body.json`."""
    return (
        f"# {url}/token: client_credentials, private_key_jwt (RFC 7523)\n"
        f'curl --fail-with-body "{url}/graphql" \\\n'
        '  -H "Authorization: Bearer $TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        "  --data-binary @body.json\n"
    )


def javascript_snippet(
    composed: Composed, values: Mapping[str, str], *, usage: Usage, url: str, key_id: str
) -> str:
    """With Node alone: signs the request as RFC 9421 says."""
    body = json.dumps(
        {
            "query": composed.document,
            "variables": dict(values),
            "extensions": {"usage": _members(usage)},
        },
        ensure_ascii=False,
    )
    return (
        _JAVASCRIPT.replace("@BODY@", json.dumps(body, ensure_ascii=False))
        .replace("@URL@", json.dumps(f"{url}/graphql"))
        .replace("@KEY@", json.dumps(key_id))
    )


_JAVASCRIPT = """import { createHash, createPrivateKey, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const url = new URL(@URL@);
const body = @BODY@;
const key = createPrivateKey(readFileSync("system.pem"));
const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
const type = "application/json";
const created = Math.floor(Date.now() / 1000);
const covered = `("@method" "@authority" "@path" "@query" "content-type" "content-digest")`;
const parameters =
  `${covered};created=${created};expires=${created + 60}` +
  `;nonce="${randomBytes(16).toString("base64url")}";keyid=${JSON.stringify(@KEY@)};tag="exchange/1"`;
const base = [
  `"@method": POST`,
  `"@authority": ${url.host}`,
  `"@path": ${url.pathname}`,
  `"@query": ?`,
  `"content-type": ${type}`,
  `"content-digest": ${digest}`,
  `"@signature-params": ${parameters}`,
].join("\\n");
const signature = sign(null, Buffer.from(base), key).toString("base64");
const answer = await fetch(url, {
  method: "POST",
  body,
  headers: {
    "content-type": type,
    "content-digest": digest,
    "signature-input": `sig=${parameters}`,
    signature: `sig=:${signature}:`,
  },
});
console.log(JSON.stringify(await answer.json(), null, 2));
"""


def _members(usage: Usage) -> dict[str, str]:
    return {
        "matter": usage.matter,
        "case": usage.case,
        "purpose": usage.purpose,
        "reason": usage.reason,
        "operator": usage.operator,
    }


def _python(text: str) -> str:
    """A Python literal: JSON's strings are Python's as well, once nothing needs a surrogate pair."""
    return json.dumps(text, ensure_ascii=False)


def _python_mapping(values: Mapping[str, str]) -> str:
    return json.dumps(dict(values), ensure_ascii=False)


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
