"""What goes wrong in the log. Doubt refuses: none of these ever lets anything leave."""


class AuditError(Exception):
    """Root of the errors of `audit`."""

    code = "LOG_ERROR"


class LogUnavailableError(AuditError):
    """The log cannot be written now; nothing may be answered (503, retry later)."""

    code = "LOG_UNAVAILABLE"


class LogBusyError(LogUnavailableError):
    """The queue is full or too slow; refused before a source was asked (503, retry later)."""

    code = "LOG_BUSY"


class FrozenError(LogUnavailableError):
    """The shard was frozen: nothing is appended any more, a start on the next one is needed."""

    code = "SHARD_FROZEN"


class StaleSnapshotError(AuditError):
    """The call was ruled on a snapshot older than the barrier: reload, rule once more."""

    code = "STALE_SNAPSHOT"


class StartRefusedError(AuditError):
    """The stored log is not its own past: start-up is refused until someone answers for it."""

    code = "LOG_START_REFUSED"


class MalformedError(AuditError):
    """Bytes from outside are not what the format demands."""

    code = "LOG_MALFORMED"


class ProofError(AuditError):
    """A proof, signature or digest does not hold."""

    code = "LOG_PROOF"
