"""What is imported from an address: fetched once, bounded, and nobody is followed anywhere."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from exchange.acts.register import ActError
from exchange.cli import fetching
from exchange.cli.fetching import fetch


class _Portal(BaseHTTPRequestHandler):
    """A portal with 120 packages, a file, and addresses that mean harm."""

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/api/3/action/package_search":
            asked = parse_qs(place.query)
            start, rows = int(asked["start"][0]), int(asked["rows"][0])
            results = [{"name": f"p{n}", "title": f"P{n}"} for n in range(120)][
                start : start + rows
            ]
            self._answer(json.dumps({"success": True, "result": {"results": results}}).encode())
        elif place.path == "/catalogue.ttl":
            self._answer(b"<urn:a> <urn:b> <urn:c> .")
        elif place.path == "/elsewhere":
            self.send_response(302)
            self.send_header("location", "/catalogue.ttl")
            self.end_headers()
        elif place.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 65_536)
            except OSError:
                return
        else:
            self.send_response(404)
            self.end_headers()

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def portal() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Portal)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_fetched_with_its_name(portal: str) -> None:
    assert fetch(f"{portal}/catalogue.ttl") == (b"<urn:a> <urn:b> <urn:c> .", "catalogue.ttl")


def test_a_portal_of_ckan_is_asked_for_all_its_packages(portal: str) -> None:
    content, name = fetch(portal, ckan=True)
    assert [one["name"] for one in json.loads(content)] == [f"p{n}" for n in range(120)]
    assert name == "packages.json"


def test_nobody_is_followed_elsewhere(portal: str) -> None:
    with pytest.raises(ActError, match="status 302, 200 needed"):
        fetch(f"{portal}/elsewhere")


def test_an_answer_without_end_is_given_up(portal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 1_000_000)
    with pytest.raises(ActError, match="more than 1000000 bytes"):
        fetch(f"{portal}/endless")


@pytest.mark.parametrize("address", ["ftp://x.example/a", "http://", "file:///etc/passwd"])
def test_only_addresses_of_the_web_are_fetched(address: str) -> None:
    with pytest.raises(ActError, match="http or https"):
        fetch(address)
