"""A proxy that signs for those who cannot: public audits and fuzzers meet the exchange through it.

No profile of the exchange switches signatures off; so what a stock tool sends is signed here, as a system
of the demonstration's district, with the usage in its header. Nothing else of it is touched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

from exchange.client.signing import SignatureAuth

_KEPT = ("content-type", "accept", "accept-language", "prefer", "exchange-partial")
_RETURNED = ("content-type", "retry-after", "allow", "vary")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    url: str
    auth: SignatureAuth


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kept = {name: value for name in _KEPT if (value := self.headers.get(name)) is not None}
        request = httpx.Request(
            self.command, f"{self.server.url}{self._path()}", content=body, headers=kept
        )
        # What httpx adds by itself was not said by the client.
        if "accept" not in kept:
            request.headers.pop("accept", None)
        unsaid = "content-type" not in kept
        self.server.auth.sign(request)
        if unsaid and self.command == "GET":
            request.headers.pop("content-type", None)
        with httpx.Client(trust_env=False, headers={"accept": ""}) as client:
            client.headers.pop("accept")
            answer = client.send(request)
        self.send_response(answer.status_code)
        for name in _RETURNED:
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def _path(self) -> str:
        # The exchange takes one spelling of a query; a form's plus sign is another one.
        path, mark, query = self.path.partition("?")
        return f"{path}{mark}{query.replace('+', '%20')}"


@contextmanager
def signing_proxy(url: str, auth: SignatureAuth) -> Iterator[str]:
    """Serve a proxy before the exchange at `url`; yields the proxy's own address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.url, server.auth = url, auth
    thread = Thread(target=server.serve_forever, name="signing proxy", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
