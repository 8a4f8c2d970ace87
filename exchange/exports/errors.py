"""What may be wrong with an export: one error, its code in `exchange/words.py` or of whoever refused."""


class ExportError(Exception):
    """An export cannot be begun, gone on with or given; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
