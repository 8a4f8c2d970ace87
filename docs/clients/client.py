"""Ask the exchange and check the receipt: Python 3.11, `cryptography`, and `verify.py` beside this file.

    python client.py BASE_URL KEY.pem VKEY REQUEST.json

BASE_URL is where the exchange is, with /test at its end the test zone; KEY.pem your system's Ed25519 key;
VKEY the log's public key, got from a place that the operator does not control; REQUEST the JSON of a
request. Who may install this project takes `exchange.client` instead, which does the same and more.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from verify import verify_receipt


def signed(url: str, body: bytes, key: Ed25519PrivateKey) -> dict[str, str]:
    """Return the headers of a signed request (RFC 9421, RFC 9530, RFC 7638)."""
    x = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{_url(x)}"}}'
    key_id = _url(hashlib.sha256(jwk.encode()).digest())
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    created = int(time.time())
    params = (
        '("@method" "@authority" "@path" "@query" "content-type" "content-digest")'
        f';created={created};expires={created + 60};nonce="{secrets.token_urlsafe(16)}"'
        f';keyid="{key_id}";tag="exchange/1"'
    )
    parts = urlsplit(url)
    lines = (
        '"@method": POST',
        f'"@authority": {parts.netloc}',
        f'"@path": {parts.path}',
        '"@query": ?',
        '"content-type": application/json',
        f'"content-digest": {digest}',
        f'"@signature-params": {params}',
    )
    signature = key.sign("\n".join(lines).encode())
    return {
        "Content-Type": "application/json",
        "Accept": "application/graphql-response+json",
        "Content-Digest": digest,
        "Signature-Input": f"sig={params}",
        "Signature": f"sig=:{base64.b64encode(signature).decode()}:",
    }


def _url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def main(base_url: str, key_file: str, vkey: str, request_file: str) -> int:
    """Ask, check, print; 0 where the answer is proven."""
    key = load_pem_private_key(Path(key_file).read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        sys.exit("an Ed25519 key is needed")
    url, body = f"{base_url.rstrip('/')}/graphql", Path(request_file).read_bytes()
    asked = urllib.request.Request(url, data=body, headers=signed(url, body, key))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=30) as response:
            raw = response.read()
    except urllib.error.HTTPError as refused:
        raw = refused.read()
    answer = json.loads(raw)
    if "data" not in answer:
        first = answer["errors"][0]
        print(f"{first['extensions']['code']}: {first['message']}", file=sys.stderr)
        return 1
    receipt = answer["extensions"]["receipt"]
    report = verify_receipt(receipt, vkeys=[vkey], answer=raw, request=body)
    if not report.holds:
        print(f"the receipt does not hold: {report.fault}", file=sys.stderr)
        return 1
    for line in answer["extensions"]["outcomes"]:
        print(".".join(line["path"]), line["outcome"], line["code"] or "", file=sys.stderr)
    print(json.dumps({"data": answer["data"], "receipt": receipt["index"]}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
