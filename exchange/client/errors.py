"""What can go wrong at the caller's end.

The tree: ClientError ─ UnreachableError, RefusedError, MalformedAnswerError, ReceiptError.
"""


class ClientError(Exception):
    """Root of the errors of `exchange.client`."""


class UnreachableError(ClientError):
    """The exchange did not answer; nothing is known of the call. Ask again, signed anew."""


class RefusedError(ClientError):
    """The exchange refused the whole request. `code` is one of docs/codes.md."""

    def __init__(self, status: int, code: str, text: str) -> None:
        self.status = status
        self.code = code
        self.text = text
        super().__init__(f"{status} {code}: {text}")


class MalformedAnswerError(ClientError):
    """The answer is not what GraphQL over HTTP demands."""


class ReceiptError(ClientError):
    """The receipt does not prove this answer to this request: do not use the answer.

    `step` says what failed: `missing`, `request`, `answer`, `leaf`, `checkpoint`, `opening`, `signature`,
    `malformed`, or `answer.<ref>` for one step's data.
    """

    def __init__(self, step: str, text: str) -> None:
        self.step = step
        super().__init__(f"{step}: {text}")
