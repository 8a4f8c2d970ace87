"""The HTTP protocol of the web server, with a bound on how long the head of a request may take (slowloris).

uvicorn closes a connection that is idle between two requests, but waits for ever for the rest of a head.
"""

from asyncio import BaseTransport, TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


def patient_protocol(head_s: float) -> type[HttpToolsProtocol]:
    """Return a protocol that closes a connection whose next head has not arrived `head_s` after it began."""

    class PatientProtocol(HttpToolsProtocol):
        _head_due: TimerHandle | None = None

        def connection_made(self, transport: BaseTransport) -> None:
            super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it
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
            self._head_due = self.loop.call_later(head_s, self._give_up)

        def _head_is_here(self) -> None:
            if self._head_due is not None:
                self._head_due.cancel()
                self._head_due = None

        def _give_up(self) -> None:
            self._head_due = None
            if not self.transport.is_closing():
                self.transport.close()

    return PatientProtocol
