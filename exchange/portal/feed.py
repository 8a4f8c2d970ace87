"""The announcements of the catalogue as a feed: Atom (RFC 4287) and JSON, for officers and for systems.

An officer reads it within a session, a system with its signature; the latter is recorded like any reading.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.entry import Draft, IndexRow
from catalogue.snapshot import Snapshot
from exchange.acts.history import news
from exchange.clock import now
from exchange.identity.establish import Established
from exchange.ledger import append_once
from exchange.node import Node
from exchange.portal.language import translate
from exchange.portal.render import language_of
from exchange.portal.session import COOKIE, signed_in
from exchange.web.problems import code_of, problem

ATOM = "http://www.w3.org/2005/Atom"
SHOWN = 100
WORDS: Mapping[str, str] = {
    "announced": "Announced",
    "revised": "Revised",
    "withdrawn": "Withdrawn",
}


async def atom(request: Request) -> Response:
    return await _feed(request, _atom, "application/atom+xml; charset=utf-8")


async def plain(request: Request) -> Response:
    return await _feed(request, _json, "application/json")


async def _feed(request: Request, write: Any, media: str) -> Response:
    node: Node = request.app.state.node
    if request.cookies.get(COOKIE):
        await signed_in(request)
        snapshot: Snapshot = request.state.snapshot
    else:
        known: Established | None = None
        try:
            snapshot = await node.live.snapshot()
            known = node.gate.establish(request.scope, b"", snapshot=snapshot, now=now())
            await asyncio.to_thread(_record, node, known)
        except Exception as error:  # noqa: BLE001 - every error becomes an answer in problems.py
            if known is None:
                node.strangers.saw(code_of(error))
            return problem(error, accept_language=request.headers.get("accept-language", ""))
    rows = await asyncio.to_thread(news, node, first=SHOWN)
    told = [
        row | {"department_name": _name(snapshot, row["department"]), "href": _href(node, row)}
        for row in rows
    ]
    return Response(write(node, told, language_of(request)), media_type=media)


def _record(node: Node, known: Established) -> None:
    append_once(
        node.log,
        Draft(
            kind="catalogue.feed-read",
            clear={"department": known.system.department, "auth": known.auth},
            index=(IndexRow(consumer=known.system.department, system=known.system.id),),
        ),
        nonce=known.nonce,
    )


def _json(node: Node, rows: Sequence[Mapping[str, Any]], language: str) -> bytes:
    told = {"origin": node.settings.base_url, "language": language, "items": rows}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _atom(node: Node, rows: Sequence[Mapping[str, Any]], language: str) -> bytes:
    base = node.settings.base_url
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": language})
    _text(root, "id", f"{base}/catalogue/feed.atom")
    _text(root, "title", translate(language, "Announcements of the catalogue"))
    _text(root, "updated", rows[0]["at"] if rows else node.ports.now().isoformat())
    ET.SubElement(root, f"{{{ATOM}}}link", {"rel": "self", "href": f"{base}/catalogue/feed.atom"})
    for row in rows:
        entry = ET.SubElement(root, f"{{{ATOM}}}entry")
        name = row["name_en"] or row["name"] if language == "en" else row["name"]
        said = translate(language, WORDS[row["kind"]])
        colon = ": " if language == "en" else "："
        # One announcement and one withdrawal a revision: the three together name it for ever.
        _text(entry, "id", f"{row['href']}#{row['revision']}-{row['kind']}")
        _text(entry, "title", _plain(f"{said}{colon}{name}"))
        _text(entry, "updated", row["at"])
        author = ET.SubElement(entry, f"{{{ATOM}}}author")
        _text(author, "name", _plain(row["department_name"]))
        ET.SubElement(entry, f"{{{ATOM}}}link", {"href": row["href"]})
        ET.SubElement(entry, f"{{{ATOM}}}category", {"term": row["kind"]})
        if row["abstract"]:
            _text(entry, "summary", _plain(row["abstract"]))
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = text


def _plain(text: str) -> str:
    """XML 1.0 has no way to write most control characters."""
    return "".join(one for one in text if one >= " " or one in "\t\n")


def _href(node: Node, row: Mapping[str, Any]) -> str:
    return f"{node.settings.base_url}/catalogue/{quote(row['resource'])}"


def _name(snapshot: Snapshot, code: str) -> str:
    held = snapshot.departments.get(code)
    return code if held is None else held.name


ROUTES = [
    Route("/catalogue/feed.atom", atom, methods=["GET"]),
    Route("/catalogue/feed.json", plain, methods=["GET"]),
]
