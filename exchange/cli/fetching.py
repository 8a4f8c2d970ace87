"""Files of entries at an address: fetched once, bounded, without following where anybody leads."""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx

from exchange.acts.register import ActError
from exchange.files.model import MOST_BYTES

WAIT_S = 30.0
ROWS = 100
MOST_PAGES = 200
_ACCEPT = "text/turtle, application/ld+json;q=0.9, application/rdf+xml;q=0.8, */*;q=0.1"


def is_address(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def fetch(address: str, *, ckan: bool = False) -> tuple[bytes, str]:
    """Return a file and its name; of a CKAN portal all its packages. Raises ActError SOURCE_UNAVAILABLE."""
    if urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).hostname:
        raise ActError("ACT_ARGUMENTS", f"{address}: an http or https address needed")
    with httpx.Client(timeout=WAIT_S, follow_redirects=False, trust_env=False) as client:
        if ckan and "/api/" not in urlsplit(address).path:
            return _packages(client, address.rstrip("/")), "packages.json"
        return _get(client, address), urlsplit(address).path.rpartition("/")[2] or "catalogue"


def _packages(client: httpx.Client, base: str) -> bytes:
    found: list[Any] = []
    for page in range(MOST_PAGES):
        place = f"{base}/api/3/action/package_search?rows={ROWS}&start={page * ROWS}"
        try:
            results = json.loads(_get(client, place))["result"]["results"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ActError("SOURCE_UNAVAILABLE", f"{base}: no answer of CKAN") from None
        if not isinstance(results, list) or not results:
            break
        found += results
    content = json.dumps(found, ensure_ascii=False).encode()
    if len(content) > MOST_BYTES:
        raise ActError("FILE_REFUSED", f"{len(content)} bytes, at most {MOST_BYTES} taken at once")
    return content


def _get(client: httpx.Client, address: str) -> bytes:
    held = bytearray()
    try:
        with client.stream("GET", address, headers={"accept": _ACCEPT}) as response:
            if response.status_code != httpx.codes.OK:
                raise ActError(
                    "SOURCE_UNAVAILABLE", f"{address}: status {response.status_code}, 200 needed"
                )
            for piece in response.iter_bytes():
                held += piece
                if len(held) > MOST_BYTES:
                    raise ActError("FILE_REFUSED", f"{address}: more than {MOST_BYTES} bytes")
    except httpx.HTTPError as error:
        raise ActError("SOURCE_UNAVAILABLE", f"{address}: {type(error).__name__}") from error
    return bytes(held)
