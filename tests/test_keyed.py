"""Keyed hashes are HMAC-SHA-256 as anybody computes it."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from mkwmail.ledger.models import keyed


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=80), st.text(max_size=200)), max_size=6))
def test_it_is_hmac_whatever_was_asked_before(asked: list[tuple[bytes, str]]) -> None:
    for secret, text in asked:
        wanted = hmac.digest(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        assert keyed(secret, text) == wanted
