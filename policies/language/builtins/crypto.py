"""Built-ins on digests and message authentication codes.

Digests that are broken are offered as identities of texts only: nothing here proves by them.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping

from policies.language.builtins.operands import Builtin, text
from policies.language.values import Value


def _digest(name: str) -> Callable[[Value], str]:
    def digest(value: Value) -> str:
        return hashlib.new(name, text(value).encode(), usedforsecurity=False).hexdigest()

    return digest


def _code(name: str) -> Callable[[Value, Value], str]:
    def code(message: Value, secret: Value) -> str:
        said = text(message).encode()
        return hmac.new(text(secret).encode(), said, name).hexdigest()

    return code


def _equal(left: Value, right: Value) -> bool:
    """Compare in a time that does not tell where two codes differ."""
    return hmac.compare_digest(text(left).encode(), text(right).encode())


CRYPTO: Mapping[str, Builtin] = {
    "crypto.md5": Builtin(_digest("md5"), 1),
    "crypto.sha1": Builtin(_digest("sha1"), 1),
    "crypto.hmac.md5": Builtin(_code("md5"), 2),
    "crypto.hmac.sha1": Builtin(_code("sha1"), 2),
    "crypto.hmac.sha256": Builtin(_code("sha256"), 2),
    "crypto.hmac.sha512": Builtin(_code("sha512"), 2),
    "crypto.hmac.equal": Builtin(_equal, 2),
}
