"""The HTTP protocol of the web server, with a bound on how long the head of a request may take (slowloris).

uvicorn closes a connection that is idle between two requests, but waits for ever for the rest of a head, and
takes as many connections as come.
"""

from asyncio import BaseTransport, TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class PatientProtocol(HttpToolsProtocol):
    """Made with `patient_protocol`, which sets the two bounds."""

    head_s: float
    most: int
    _head_due: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it
        if len(self.connections) > self.most:
            self.transport.abort()
        else:
            self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._head_due is None and self._is_between():
            self._expect_head()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def _is_between(self) -> bool:
        """Whether no request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _expect_head(self) -> None:
        self._head_due = self.loop.call_later(self.head_s, self._give_up)

    def _head_is_here(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _give_up(self) -> None:
        self._head_due = None
        if not self.transport.is_closing():
            self.transport.close()


def patient_protocol(head_s: float, *, most: int) -> type[HttpToolsProtocol]:
    """Return a protocol that closes a connection whose next head has not arrived `head_s` after it began.

    Where `most` connections stand already, another is closed as it comes.
    """
    return type("BoundedProtocol", (PatientProtocol,), {"head_s": head_s, "most": most})
