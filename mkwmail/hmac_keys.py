"""Keyed hashes: names that cannot be computed without the ledger's secret.

They do not reveal the text that they were made from.
"""

import hashlib
import hmac
from functools import lru_cache


def keyed(secret: bytes, text: str) -> bytes:
    """Return the HMAC-SHA-256 (RFC 2104) of a text in UTF-8: 32 octets."""
    # A copy of the prepared hash: preparing the key takes longer than hashing, and hands Python's lock to a waiting
    # thread.
    made = _with_key(secret).copy()
    made.update(text.encode("utf-8", "surrogatepass"))
    return made.digest()


@lru_cache(maxsize=4)
def _with_key(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod=hashlib.sha256)
