"""Has witnesses cosign what the log publishes, and notices when they know another history.

A witness that is away is waited for: first in silence, then with a warning, then, where the settings say so,
no call is answered any more. A witness that holds a checkpoint of ours which is not of our past ends it at
once: either an older copy of the log was put back, or somebody signed with its key.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from audit.checkpoint import parse_checkpoint, parse_size
from audit.entry import Draft
from audit.errors import AuditError, LogUnavailableError, ProofError, StartRefusedError
from audit.log import Log
from audit.note import Verifier, open_note, parse_note
from audit.policy_file import Policy, check_witnessed, parse_policy
from audit.startup import read_guard, write_guard
from audit.witness import SIZE_TYPE, Request, format_request, origin_digest, valid_lines
from exchange.client.authorities import public_authorities
from exchange.settings import Settings, SettingsError

_LOGGING = logging.getLogger("exchange")
ANSWER_BOUND = 1 << 18
WAIT_S = 3.0
"""For one answer of one witness; all are asked at the same time."""

AGAIN_S = 60
"""A log that nobody writes to is cosigned anew this often: so one sees that its witnesses live."""

PAUSE_S = 5
REASON_BOUND = 200
"""Characters of a witness's own words that are told on."""

WITNESSED = Path("run") / "witnessed"
"""In a home: the newest checkpoint that the quorum cosigned."""


class WitnessError(AuditError):
    """A witness gave no cosignature."""

    code = "WITNESS_ERROR"


class WitnessAwayError(WitnessError):
    """It did not answer as a witness does, or not in time: ask again."""


class WitnessRefusedError(WitnessError):
    """It answered that it does not cosign."""


class WitnessMissingError(LogUnavailableError):
    """For longer than the settings allow no quorum has cosigned, or one knows another history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace:
    """How long the quorum may be missing; no `stop` is for ever."""

    warn: timedelta
    stop: timedelta | None


class WitnessClient:
    """One witness, as its URL and keys. Blocks; used by one thread at a time."""

    def __init__(self, url: str, keys: Sequence[Verifier], *, http: httpx.Client) -> None:
        self.url = url.rstrip("/")
        self._keys = keys
        self._http = http
        self._known = 0
        """What it cosigned last, as far as we know; it tells us where we are wrong."""

    def cosign(self, note: str, *, prove: Callable[[int, int], list[bytes]]) -> tuple[str, ...]:
        """Return its cosignature lines of this note.

        Raises WitnessAwayError, WitnessRefusedError; ProofError for lines that do not hold.
        """
        size = parse_checkpoint(parse_note(note).text).size
        for _ in range(2):
            if self._known > size:
                raise WitnessRefusedError(f"{self.url} cosigned {self._known}, asked for {size}")
            proof = tuple(prove(self._known, size)) if self._known else ()
            body = format_request(Request(old=self._known, proof=proof, note=note))
            status, kind, told = self._send("POST", "add-checkpoint", body)
            if status == httpx.codes.OK:
                lines = valid_lines(told, note, self._keys)
                self._known = size
                return lines
            if status != httpx.codes.CONFLICT or kind != SIZE_TYPE:
                raise _refusal(self.url, status, told)
            # It remembers another size than we do: it told which, so ask from there.
            self._known = parse_size(told.removesuffix("\n"))
        raise WitnessRefusedError(f"{self.url} told two sizes, one after the other")

    def newest(self, origin: str) -> str | None:
        """Return the newest checkpoint that it cosigned of a log; None: none yet. Raises WitnessError."""
        status, _, told = self._send("GET", f"{origin_digest(origin)}/checkpoint", b"")
        if status == httpx.codes.NOT_FOUND:
            return None
        if status != httpx.codes.OK:
            raise _refusal(self.url, status, told)
        return told

    def _send(self, method: str, path: str, body: bytes) -> tuple[int, str, str]:
        try:
            with self._http.stream(
                method, f"{self.url}/{path}", content=body, timeout=WAIT_S
            ) as answer:
                told = b""
                for part in answer.iter_bytes():
                    told += part
                    if len(told) > ANSWER_BOUND:
                        raise WitnessAwayError(f"{self.url} answers more than {ANSWER_BOUND} bytes")
                return answer.status_code, answer.headers.get("content-type", ""), told.decode()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeDecodeError) as error:
            raise WitnessAwayError(f"{self.url}: {type(error).__name__}") from error


def _refusal(url: str, status: int, told: str) -> WitnessError:
    kind = WitnessAwayError if status >= httpx.codes.INTERNAL_SERVER_ERROR else WitnessRefusedError
    line = "".join(held for held in told[:REASON_BOUND].partition("\n")[0] if held.isprintable())
    return kind(f"{url} answers {status}: {line}")


class Witnessing:
    """What a node does about its witnesses. Rounds run on one thread at a time; `ready` on any."""

    def __init__(
        self,
        log: Log,
        *,
        policy: Policy,
        own: Sequence[Verifier],
        grace: Grace,
        home: Path,
        now: Callable[[], datetime],
    ) -> None:
        """Ask every witness that answers what it cosigned last.

        Raises StartRefusedError where that, or the checkpoint that the quorum cosigned last, is not of the
        log's past. A witness that does not answer is no reason: its grace begins.
        """
        self._log = log
        self._policy = policy
        self._own = tuple(own)
        self._grace = grace
        self._kept = home / WITNESSED
        self._now = now
        self._http = httpx.Client(trust_env=False, verify=public_authorities())
        self._clients = [
            WitnessClient(url, keys, http=self._http) for url, keys in by_url(policy).items()
        ]
        self._met_at = now()
        self._asked_at: datetime | None = None
        self._pause = timedelta()
        """After a round that somebody did not answer: time for him to come back."""
        self._size = -1
        self._away = False
        self._alarm: str | None = None
        self._newest: str | None = None
        try:
            self._begin()
        except BaseException:
            self._http.close()
            raise

    def close(self) -> None:
        self._http.close()

    def trust(self, own: Sequence[Verifier]) -> None:
        """Know the log by these keys from now on: one was changed."""
        self._own = tuple(own)

    def takes(self, key: Verifier) -> bool:
        """Say whether the policy takes checkpoints under this key; one that names no log takes all."""
        return not self._policy.logs or any(line.key == key for line in self._policy.logs)

    @property
    def needed(self) -> bool:
        """Whether anybody's cosignature is waited for."""
        return not self._policy.met_by(())

    @property
    def trouble(self) -> str | None:
        """What is wrong with the witnesses; None: nothing, or not for long."""
        if self._alarm is not None:
            return self._alarm
        missing = self._missing()
        if missing > self._grace.warn:
            return f"no quorum for {missing // timedelta(minutes=1)} minutes"
        return None

    def ready(self) -> None:
        """Raise WitnessMissingError where no call may be answered. Never blocks."""
        if self._alarm is not None:
            raise WitnessMissingError(self._alarm)
        if self._grace.stop is not None and self._missing() > self._grace.stop:
            raise WitnessMissingError(
                f"no quorum for more than {self._grace.stop // timedelta(minutes=1)} minutes"
            )

    def newest(self) -> str:
        """Return the checkpoint to show: where a quorum is needed, the newest that it cosigned.

        Before the first such the newest of all, which no verifier under the policy takes.
        """
        if self.needed and self._newest is not None:
            return self._newest
        return self._log.published()

    def cosigners(self, note: str) -> tuple[str, ...]:
        """Return the names of those whose cosignature of a checkpoint holds under a key of the policy."""
        try:
            opened = open_note(note, [line.key for line in self._policy.witnesses])
        except AuditError:
            return ()
        return tuple(sorted({held.verifier.name for held in opened.verified}))

    def due(self) -> bool:
        """Say whether there is something to have cosigned."""
        if not self._clients or self._alarm is not None:
            return False
        if self._asked_at is None or self._now() < self._asked_at:
            return True
        waited = self._now() - self._asked_at
        changed = self._log.size != self._size
        return waited >= timedelta(seconds=AGAIN_S) or (changed and waited >= self._pause)

    def round(self) -> None:
        """Ask all witnesses for the newest checkpoint's cosignatures, and keep them with it. Blocks."""
        self._asked_at = self._now()
        note = self._log.published()
        with ThreadPoolExecutor(max_workers=len(self._clients) or 1) as pool:
            told = list(pool.map(lambda client: self._ask(client, note), self._clients))
        # A size that somebody did not cosign is asked for again, after a pause.
        size = parse_checkpoint(parse_note(note).text).size
        self._size, self._pause = (
            (size, timedelta()) if all(told) else (-1, timedelta(seconds=PAUSE_S))
        )
        lines = [line for lines in told for line in lines]
        if lines:
            # Only what was said in this round counts: cosignatures of an earlier one may stand there.
            fresh = self._met(
                f"{parse_note(note).text}\n{_own_lines(note, self._own)}{''.join(lines)}"
            )
            note = self._log.cosigned(note, lines)
            if fresh:
                self._remember(note)
        self._tell()

    def _ask(self, client: WitnessClient, note: str) -> tuple[str, ...]:
        try:
            return client.cosign(note, prove=self._log.prove_growth)
        except WitnessRefusedError as error:
            _LOGGING.warning("a witness does not cosign: %s", error)
            self._compare(client)
        except AuditError as error:
            _LOGGING.warning("a witness gave no cosignature: %s", error)
        return ()

    def _compare(self, client: WitnessClient) -> None:
        try:
            self._check_known(client)
        except StartRefusedError as error:
            self._raise_alarm(client.url, str(error))
        except AuditError as error:
            _LOGGING.warning("what a witness holds could not be compared: %s", error)

    def _raise_alarm(self, url: str, message: str) -> None:
        if self._alarm is not None:
            return
        self._alarm = message
        _LOGGING.critical("the log and its witness disagree: %s", message)
        self._record("witness.alarm", {"witness": url, "size": self._log.size})

    def _check_known(self, client: WitnessClient) -> None:
        """Raise StartRefusedError where a witness holds a checkpoint of ours that is not of our past."""
        held = client.newest(self._log.origin)
        if held is None:
            return
        # Only what our own key signed can accuse us.
        past = parse_checkpoint(open_note(held, self._own).text)
        try:
            self._log.check_past(past)
        except ProofError as error:
            raise StartRefusedError(
                f"{client.url} cosigned this log with {past.size} entries, here are "
                f"{self._log.size}: {error}"
            ) from error

    def _begin(self) -> None:
        kept = read_guard(self._kept)
        if kept:
            try:
                self._log.check_past(parse_checkpoint(open_note(kept, self._own).text))
            except AuditError as error:
                message = f"the checkpoint that was cosigned last: {error}"
                raise StartRefusedError(message) from error
            if self._met(kept):
                self._newest = kept
                self._met_at = min(self._now(), _cosigned_at(kept, self._policy))
        with ThreadPoolExecutor(max_workers=len(self._clients) or 1) as pool:
            for found in pool.map(self._trouble_with, self._clients):
                if isinstance(found, StartRefusedError):
                    raise found
                if found is not None:
                    _LOGGING.warning("a witness could not be asked at the start: %s", found)

    def _trouble_with(self, client: WitnessClient) -> AuditError | None:
        try:
            self._check_known(client)
        except AuditError as error:
            return error
        return None

    def _met(self, note: str) -> bool:
        try:
            check_witnessed(note, self._policy)
        except AuditError:
            return False
        return True

    def _remember(self, note: str) -> None:
        self._met_at = self._now()
        if self.needed:
            self._newest = note
            write_guard(self._kept, note)

    def _missing(self) -> timedelta:
        return self._now() - self._met_at if self.needed else timedelta()

    def _tell(self) -> None:
        """Record once that the quorum is missing for too long, and once that it is there again."""
        away = self._missing() > self._grace.warn
        if away == self._away:
            return
        self._away = away
        if away:
            _LOGGING.warning("witnesses: %s", self.trouble)
        self._record("witness.away" if away else "witness.back", {"quorum": self._policy.quorum})

    def _record(self, kind: str, facts: Mapping[str, str | int]) -> None:
        try:
            self._log.append(Draft(kind=kind, clear={"facts": dict(facts)}))
        except AuditError as error:
            _LOGGING.warning("%s was not recorded: %s", kind, error.code)


def read_policy(settings: Settings, *, own: Sequence[Verifier]) -> Policy:
    """Read the policy that the settings name; one that asks for nobody where they name none.

    Raises SettingsError for a file that is no policy, or not one of this log.
    """
    if not settings.witness_policy:
        return Policy()
    path = settings.home / settings.witness_policy
    try:
        policy = parse_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, AuditError) as error:
        raise SettingsError(f"witness_policy {path}: {error}") from error
    if not any(line.key in own for line in policy.logs):
        raise SettingsError(f"witness_policy {path}: no line of log names this log's key")
    for witness in policy.witnesses:
        if witness.url and not witness.url.startswith(("http://", "https://")):
            raise SettingsError(f"witness_policy {path}: {witness.name} has no http(s) URL")
    return policy


def read_grace(settings: Settings) -> Grace:
    """Read how long the quorum may be missing."""
    stop = settings.witness_stop_min
    return Grace(
        warn=timedelta(minutes=settings.witness_warn_min),
        stop=timedelta(minutes=stop) if stop else None,
    )


def by_url(policy: Policy) -> dict[str, list[Verifier]]:
    """Gather the keys of each witness that has a URL: it answers with one line for each."""
    found: dict[str, list[Verifier]] = {}
    for witness in policy.witnesses:
        if witness.url:
            found.setdefault(witness.url.rstrip("/"), []).append(witness.key)
    return found


def _own_lines(note: str, own: Sequence[Verifier]) -> str:
    return "".join(valid_lines(note.rpartition("\n\n")[2], note, own))


def _cosigned_at(note: str, policy: Policy) -> datetime:
    """Return the time of a checkpoint's newest cosignature, which a restart does not renew."""
    opened = open_note(note, [line.key for line in policy.witnesses])
    newest = max(held.time or 0 for held in opened.verified)
    return datetime.fromtimestamp(newest).astimezone()
