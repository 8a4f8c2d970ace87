"""Passwords and one-time codes: hashing, comparing, and never taking the same code twice."""

import hmac
from base64 import b32encode
from collections.abc import Callable
from threading import BoundedSemaphore

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
STEP_S = 30
_AT_ONCE = BoundedSemaphore(2)
"""A hash takes 64 MiB and a core: two at a time, so that guessing cannot take the machine."""
HASHER = PasswordHasher()
"""Makes every hash of a node; its costs are those of NOBODY."""
ISSUER = "district-data-exchange"
NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
"""A hash that nothing has: compared where there is no officer, so that it takes as long as where there is."""


def hash_password(
    password: str, *, random: Callable[[int], bytes], hasher: PasswordHasher = HASHER
) -> str:
    """Return the argon2id hash, with its salt and costs."""
    with _AT_ONCE:
        return hasher.hash(password, salt=random(16))


def is_password(password: str, *, hashed: str) -> bool:
    with _AT_ONCE:
        try:
            # By the costs that the hash itself names.
            return HASHER.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def make_totp_secret(random: Callable[[int], bytes]) -> str:
    """Return 160 random bits in base 32, as authenticators take them (RFC 4226, 4)."""
    return b32encode(random(20)).decode("ascii")


def totp_address(secret: str, *, account: str) -> str:
    """Return the `otpauth://` address that an authenticator reads, as text or as a picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def find_step(code: str, *, secret: str, at_ms: int, after: int) -> int | None:
    """Return the time step whose code this is: now, the one before or the next, and later than `after`.

    None: the code is wrong, or was used already (RFC 6238, 5.2).
    """
    generator = pyotp.TOTP(secret)
    now = at_ms // 1000 // STEP_S
    for step in (now, now - 1, now + 1):
        wanted = generator.generate_otp(step)
        if step > after and hmac.compare_digest(wanted.encode(), code.encode()):
            return step
    return None
