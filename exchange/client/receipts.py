"""Checks at the caller's end: this answer to my request is in the signed log, and my calls are mine.

`check_answer` runs by itself at every query. `check_own_call` is for disputes: the operator shows a call that
the entry says we made, and must open the commitment to our own signature over it.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.canonical import commit_bytes
from audit.verify import Report, receipt_in, verify_receipt
from exchange.client.errors import ReceiptError
from exchange.identity.errors import IdentityError
from exchange.identity.jws import check_jws, read_jws
from exchange.identity.keys import (
    PublicKey,
    check_signature,
    decode_base64url,
    encode_base64url,
    read_public_jwk,
    thumbprint,
)

_STEPS: Mapping[str, str] = {
    "REQUEST_DIFFERS": "request",
    "REQUEST_NOT_OPENED": "request",
    "ANSWER_DIFFERS": "answer",
    "ANSWER_NOT_OPENED": "answer",
    "ANSWER_MALFORMED": "answer",
    "LEAF_OUTSIDE": "leaf",
    "CHECKPOINT_UNSIGNED": "checkpoint",
    "SIGNATURE_FAILS": "checkpoint",
    "KEY_MALFORMED": "checkpoint",
    "OPENING_DIFFERS": "opening",
}
"""Finding of `audit.verify` → step of ReceiptError; STEP_DIFFERS names its own, others are `malformed`."""

_PARAMS = re.compile(
    r'\n"@signature-params": \((?P<components>[^()]*)\)[^\n]*;nonce="(?P<nonce>[^"]+)"[^\n]*\Z'
)
_KEY_ID = re.compile(r'\n"@signature-params": [^\n]*;keyid="(?P<key>[^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCall:
    """A call that our key signed. Two entries with one nonce are one call told twice."""

    key: str
    nonce: str
    content_digest: str
    """Content-Digest that was signed; empty for a call by token, whose proof covers no body."""


def check_answer(
    raw: bytes, *, request: bytes, vkeys: Sequence[str], witnesses: Sequence[str] = ()
) -> Report:
    """Check an answer as received against the request as sent; raises ReceiptError naming the step."""
    receipt = receipt_in(raw)
    if receipt is None:
        raise ReceiptError("missing", "the answer carries no receipt")
    report = verify_receipt(receipt, vkeys=vkeys, witnesses=witnesses, answer=raw, request=request)
    fault = report.fault
    if fault is not None:
        step = fault.name if fault.code == "STEP_DIFFERS" else _STEPS.get(fault.code, "malformed")
        raise ReceiptError(step, str(fault))
    if not report.holds:
        raise ReceiptError("malformed", "the receipt proves less than it must")
    stated = json.loads(raw)["extensions"].get("entry", {}).get("index")
    if stated != receipt["index"]:
        raise ReceiptError("malformed", "the answer names another entry than its receipt")
    return report


def check_file(
    content: bytes,
    *,
    receipt: Mapping[str, Any],
    vkeys: Sequence[str],
    witnesses: Sequence[str] = (),
) -> Report:
    """Check a file against the receipt of the entry that released it; raises ReceiptError."""
    report = verify_receipt(receipt, vkeys=vkeys, witnesses=witnesses)
    fault = report.fault
    if fault is not None:
        raise ReceiptError(_STEPS.get(fault.code, "malformed"), str(fault))
    try:
        salt = receipt["openings"]["answer"]["salt"]
        digest = json.loads(receipt["entry"])["digests"]["answer"]
        given = commit_bytes(salt, content)
    except (ValueError, KeyError, TypeError) as error:
        raise ReceiptError("malformed", "the receipt does not open what was given") from error
    if given != digest:
        raise ReceiptError("answer", "the file is not what the entry commits to")
    return report


def check_own_call(entry: bytes, *, opening: Mapping[str, Any], public: PublicKey) -> OwnCall:
    """Check that the entry's caller signed it with our key; raises ReceiptError step `signature`.

    `opening` is the disclosed salt and value {key, base, signature} of the commitment `signature`. An entry
    that the operator invented has none that holds. A call by plain bearer token never has one.
    """
    try:
        digest = json.loads(entry)["digests"]["signature"]
        value = opening["value"]
        if _commitment(opening["salt"], "signature", value) != digest:
            raise ReceiptError("signature", "the disclosure is not what the entry commits to")
        base = decode_base64url(value["base"])
        signature = decode_base64url(value["signature"])
    except (ValueError, KeyError, TypeError) as error:
        raise ReceiptError("signature", "no disclosure of a caller's signature") from error
    if base.startswith(b'"'):
        return _signed_call(base, signature, public)
    return _proven_call(base, signature, public)


def _signed_call(base: bytes, signature: bytes, public: PublicKey) -> OwnCall:
    """A signature base of RFC 9421."""
    try:
        check_signature(public, signature, message=base)
    except IdentityError as error:
        raise ReceiptError("signature", "the signature is not our key's") from error
    text = base.decode("ascii")
    params, key = _PARAMS.search(text), _KEY_ID.search(text)
    if params is None or key is None or key["key"] != thumbprint(public):
        raise ReceiptError("signature", "the signed text is no request of ours to an exchange")
    digest = re.search(r'^"content-digest": (.*)$', text, re.MULTILINE)
    return OwnCall(
        key=key["key"], nonce=params["nonce"], content_digest=digest[1] if digest else ""
    )


def _proven_call(base: bytes, signature: bytes, public: PublicKey) -> OwnCall:
    """A DPoP proof made with the system's own key."""
    try:
        proof = read_jws(f"{base.decode('ascii')}.{encode_base64url(signature)}")
        check_jws(proof, key=public)
        held = thumbprint(read_public_jwk(proof.header["jwk"]))
        nonce = str(proof.claims["jti"])
    except (ValueError, KeyError, TypeError, AttributeError, IdentityError) as error:
        raise ReceiptError("signature", "the call carries no proof by our key") from error
    if held != thumbprint(public) or proof.header.get("typ") != "dpop+jwt":
        raise ReceiptError("signature", "the proof is for another key or use")
    return OwnCall(key=held, nonce=nonce, content_digest="")


def _commitment(salt: str, name: str, value: Mapping[str, Any]) -> str:
    # docs/log-format.md: SHA-256 of the base64url of the canonical JSON [salt, name, value].
    text = json.dumps(
        [salt, name, value], ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    preimage = urlsafe_b64encode(text.encode()).rstrip(b"=")
    return encode_base64url(hashlib.sha256(preimage).digest())
