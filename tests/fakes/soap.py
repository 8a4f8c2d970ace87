"""A department's tiny SOAP service: what it answers, as the WSDL of the documentation has it."""

import re
from pathlib import Path

from aiohttp import web

WSDL = Path(__file__).parents[2] / "docs" / "examples" / "sources" / "filings.wsdl"
ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
)
NAMES = 'xmlns:f="urn:example:filings" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_ASKED = re.compile(r"<(?:\w+:)?uscc>([^<]*)</(?:\w+:)?uscc>")


def asked_for(content: bytes) -> str:
    """The key in a question."""
    found = _ASKED.search(content.decode())
    if found is None:
        raise AssertionError("a question without a key")
    return found.group(1)


def a_filing(uscc: str, **changes: str | None) -> str:
    """One record as XML; a change of None leaves the element out."""
    members: dict[str, str | None] = {
        "uscc": f"<f:uscc>{uscc}</f:uscc>",
        "filingNo": "<f:filingNo>SF-1</f:filingNo>",
        "state": "<f:state>filed</f:state>",
        "floors": "<f:floors>3</f:floors>",
        "area": "<f:area>1200.50</f:area>",
        "filedOn": "<f:filedOn>2026-02-28+08:00</f:filedOn>",
        "changed": "<f:changed>2026-11-23T09:30:00+08:00</f:changed>",
        "sealed": "<f:sealed>1</f:sealed>",
        "scan": "<f:scan>AP8=</f:scan>",
        "site": "<f:site><f:parcel>P-7</f:parcel></f:site>",
        **changes,
    }
    return f"<f:filing>{''.join(one for one in members.values() if one is not None)}</f:filing>"


def answered(inner: str) -> str:
    return ENVELOPE.format(f"<f:FindResponse {NAMES}>{inner}</f:FindResponse>")


def a_fault(code: str) -> str:
    return ENVELOPE.format(
        f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>91… gibt es nicht</faultstring></s:Fault>"
    )


def xml(text: str | bytes, *, status: int = 200, media: str = "text/xml") -> web.Response:
    body = text.encode() if isinstance(text, str) else text
    return web.Response(body=body, status=status, content_type=media)
