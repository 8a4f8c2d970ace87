"""What the node is told from outside, read once into one frozen value."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

DEFAULT_HOME = "~/.local/share/exchange"


class SettingsError(Exception):
    """A setting cannot be used; says which, what was found and what was needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one node. Each is `EXCHANGE_<NAME>` in the environment or `name` in exchange.toml."""

    home: Path
    profile: str = "production"
    """`production` or `development` (GET and introspection of one's own contract)."""
    host: str = "127.0.0.1"
    port: int = 8800
    gateway: str = "gw1"
    """Name of this gateway, as entries carry it."""
    origin: str = "exchange.example/log"
    """Origin of the log (C2SP tlog-checkpoint): a URL without scheme, kept for ever."""
    authority: str = ""
    """Host and port that callers sign as @authority; empty takes host:port."""
    zone: str = "Asia/Shanghai"
    """Where the exchange stands: office hours, days of quotas."""
    policy: str = "embedded"
    """`embedded`, or the URL of an OPA server that loads this node's bundle."""
    policy_keys: str = ""
    """Whose signed policy bundles are taken: `ID=KEY` with white space between, KEY a P-256 public key."""
    policy_margin_h: int = 24
    """Hours before the policy's end from which the node is not ready; degraded from three times as many."""
    policy_shadow: str = ""
    """Archive of a candidate policy, from the home on, asked after each answer; empty: none."""
    witness_policy: str = ""
    """tlog-policy file, from the home on: the witnesses to ask and the quorum needed; empty: nobody."""
    witness_warn_min: int = 10
    """Minutes without a quorum after which the node says so and records it."""
    witness_stop_min: int = 0
    """Minutes without a quorum after which no call is answered; 0: never."""
    tsa_url: str = ""
    """Time-stamping authority (RFC 3161) asked about the newest checkpoint, at most hourly; empty: nobody."""
    tsa_roots: str = ""
    """Root certificates of the authority (PEM), from the home on."""
    tsa_warn_min: int = 180
    """Minutes without a time stamp after which the node says so and records it."""
    tsa_stop_min: int = 0
    """Minutes without a time stamp after which no call is answered; 0: never."""
    log_database_url: str = field(default="", repr=False)
    """PostgreSQL database of the log; empty: `log.db` in the home."""
    vault_database_url: str = field(default="", repr=False)
    """PostgreSQL database of the vault; empty: `vault.db` in the home."""
    deadline_ms: int = 10_000
    """For a whole call."""
    documents: str = "any"
    """`any`, or `trusted`: only documents that were registered are answered."""
    calls_at_once: int = 128
    """Calls that run at the same time; half of them at most are one system's."""
    calls_per_system: int = 1_024
    """Calls of one system that run or wait for their turn; more are turned away with RATE_LIMITED."""
    calls_per_officer: int = 20_000
    """Calls of one officer in one day; 0: not bounded."""
    rows_per_officer: int = 100_000
    """Records given to one officer in one day; 0: not bounded."""
    subjects_per_officer: int = 1_000
    """Different subjects that one officer may ask about in one day; 0: not bounded."""
    subjects_per_case: int = 200
    """Different subjects that may be asked about within one case; 0: not bounded."""
    head_ms: int = 10_000
    """How long the head of a request may take to arrive; then the connection is closed."""
    body_ms: int = 10_000
    """How long the body of a call may take to arrive."""
    demo: bool = False
    """Sign-in by one-time links, and the demo's records."""

    @property
    def signed_authority(self) -> str:
        return self.authority or f"{self.host}:{self.port}"

    @property
    def database_urls(self) -> Mapping[str, str]:
        """Where databases lie that are no files in the home, by branch; empty where they are."""
        return {"log": self.log_database_url, "vault": self.vault_database_url}

    @property
    def base_url(self) -> str:
        return f"http://{self.signed_authority}"


def read_settings(environment: Mapping[str, str], *, home: Path | None = None) -> Settings:
    """Read `exchange.toml` in the home, then the environment, which wins.

    Raises SettingsError for a name that is not known or a value of the wrong kind.
    """
    folder = home or Path(environment.get("EXCHANGE_HOME") or DEFAULT_HOME)
    settings = Settings(home=folder.expanduser().resolve())
    file = settings.home / "exchange.toml"
    if file.exists():
        try:
            written = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{file}: not TOML: {error}") from error
        settings = _with(settings, written, where=str(file))
    told = {
        name.removeprefix("EXCHANGE_").lower(): value
        for name, value in environment.items()
        if name.startswith("EXCHANGE_")
    }
    known = {field.name for field in fields(Settings)} - {"home"}
    return _with(
        settings,
        {k: v for k, v in told.items() if k in known},
        where="the environment (EXCHANGE_…)",
    )


def write_settings(settings: Settings) -> None:
    """Write `exchange.toml` so that the next start reads the same settings."""
    lines = [
        f"{field.name} = {_toml(getattr(settings, field.name))}"
        for field in fields(Settings)
        if field.name != "home"
    ]
    (settings.home / "exchange.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _with(settings: Settings, given: Mapping[str, Any], *, where: str) -> Settings:
    changes: dict[str, Any] = {}
    kinds = {field.name: field.type for field in fields(Settings)}
    for name, value in given.items():
        if name not in kinds or name == "home":
            raise SettingsError(
                f"{where}: {name!r} is no setting; known: {', '.join(sorted(kinds))}"
            )
        changes[name] = _typed(name, value, kinds[name], where=where)
    chosen = replace(settings, **changes)
    if chosen.profile not in {"production", "development"}:
        raise SettingsError(
            f"{where}: profile is {chosen.profile!r}, needs production or development"
        )
    if chosen.documents not in {"any", "trusted"}:
        raise SettingsError(f"{where}: documents is {chosen.documents!r}, needs any or trusted")
    if chosen.calls_at_once < 1 or chosen.calls_per_system < 1:
        raise SettingsError(f"{where}: calls_at_once and calls_per_system need at least 1")
    return chosen


def _typed(name: str, value: Any, kind: Any, *, where: str) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if value in {"1", "true", "yes"}:
            return True
        if value in {"0", "false", "no", ""}:
            return False
    elif kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            return int(value)
    elif isinstance(value, str):
        return value
    raise SettingsError(f"{where}: {name} is {value!r}, needs {getattr(kind, '__name__', kind)}")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def environment() -> Mapping[str, str]:
    """The one place that reads the process's environment."""
    return os.environ
