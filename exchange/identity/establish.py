"""Who calls: a signed request or an access token becomes an established system, or an error."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from starlette.types import Scope

from audit.entry import Nonce
from catalogue.model import Officer, System, SystemKey
from catalogue.ports import Sealer
from catalogue.rows import staff_token
from catalogue.snapshot import Snapshot
from exchange.clock import fresh_id
from exchange.identity.errors import IdentityError
from exchange.identity.signatures import Window, check_path, read_headers, verify_fields
from exchange.identity.tokens import Issuer, verify_access
from gateway.model import Caller

JOB = "system:"


class Established(msgspec.Struct, frozen=True, kw_only=True):
    """A system that proved itself for this request."""

    system: System
    key: SystemKey
    auth: str
    nonce: Nonce
    base: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"Established({self.system.id}, {self.auth})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What is needed to establish callers, besides the snapshot of the moment."""

    authority: str
    issuer: Issuer
    sealer: Sealer
    window: Window
    """Also says before which moment (a restore) signatures are refused."""

    def establish(
        self, scope: Scope, body: bytes, *, snapshot: Snapshot, now: datetime
    ) -> Established:
        """Return the system behind a request, whose ASGI scope it is. Raises IdentityError."""
        fields = read_headers(scope["headers"])
        signed = "signature" in fields or "signature-input" in fields
        token = fields.get("authorization")
        if signed and token is not None:
            raise IdentityError("AUTHENTICATION_AMBIGUOUS")
        if signed:
            known = verify_fields(
                scope["method"],
                self.authority,
                _raw_path(scope),
                scope["query_string"],
                fields,
                body,
                keys=snapshot.keys,
                now=now,
                window=self.window,
            )
            return Established(
                system=_active(known.key, snapshot.systems),
                key=known.key,
                auth="signature",
                nonce=known.nonce,
                base=known.base,
                signature=known.signature,
            )
        if token is None:
            raise IdentityError("AUTHENTICATION_MISSING")
        check_path(_raw_path(scope), scope["query_string"])
        accessed = verify_access(
            token,
            fields.get("dpop"),
            method=scope["method"],
            url=f"{self.issuer.url}{_raw_path(scope).decode('ascii')}",
            issuer=self.issuer,
            keys=snapshot.keys,
            now=now,
            fresh=fresh_id("bearer"),
            window=self.window,
        )
        return Established(
            system=_active(accessed.key, snapshot.systems),
            key=accessed.key,
            auth=accessed.auth,
            nonce=accessed.nonce,
            base=accessed.base,
            signature=accessed.signature,
        )

    def unnamed(self, known: Established, *, snapshot: Snapshot) -> Caller:
        """Return the caller before its operator is known: what a refusal is recorded with."""
        return self._caller(known, None, "declared", snapshot=snapshot)

    def caller(self, known: Established, operator: str, *, snapshot: Snapshot) -> Caller:
        """Return the caller with the officer behind it.

        Raises IdentityError OPERATOR_UNKNOWN for a staff number that is no active officer of the caller's own
        department, and for a job of a system without an active responsible officer.
        """
        officer = self._officer(known.system, operator, snapshot=snapshot)
        how = "system-job" if operator.startswith(JOB) else "declared"
        return self._caller(known, officer, how, snapshot=snapshot)

    def _caller(
        self, known: Established, officer: Officer | None, how: str, *, snapshot: Snapshot
    ) -> Caller:
        department = snapshot.departments.get(known.system.department)
        return Caller(
            system=known.system,
            region=department.region if department else "",
            auth=known.auth,
            key=known.key.id,
            officer=officer,
            operator_auth=how,
            nonce=known.nonce,
            request_base=known.base,
            request_signature=known.signature,
        )

    def _officer(self, system: System, operator: str, *, snapshot: Snapshot) -> Officer | None:
        if operator.startswith(JOB):
            responsible = snapshot.officers.get(system.responsible or "")
            if responsible is None or responsible.state != "active":
                raise IdentityError("OPERATOR_UNKNOWN")
            return None
        token = staff_token(self.sealer, operator)
        officer = snapshot.officers.get(snapshot.staff.get((system.department, token), ""))
        if officer is None or officer.state != "active":
            raise IdentityError("OPERATOR_UNKNOWN")
        return officer


def _active(key: SystemKey, systems: Mapping[str, System]) -> System:
    system = systems.get(key.system)
    if system is None or system.state != "active":
        raise IdentityError("SYSTEM_INACTIVE")
    return system


def _raw_path(scope: Scope) -> bytes:
    """The path exactly as it came over the wire, escapes and all."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("ascii")
    return raw.split(b"?", 1)[0]
