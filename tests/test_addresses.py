"""Which addresses can be mailed: the quick way says what email-validator says."""

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from mkwmail.addresses import mailable

PARTS = st.text("abzAZ019-_+.", min_size=1, max_size=70)
ENDINGS = st.sampled_from(("nl", "ORG", "co.uk", "test", "local", "x1", "n", "xn--p1ai", "arpa", "nl.", ""))


@given(st.builds("{}@{}.{}".format, PARTS, PARTS, ENDINGS))
@example("Jan.de-Vries+mkw@De-Haven.NL")
@example("a@b--c.nl")
@example("a@xn--bcher-kva.example")
@example("a@b.local")
@example(f"{'a' * 64}@b.nl")
def test_an_address_is_mailable_as_email_validator_says(address: str) -> None:
    _agrees(address)


@pytest.mark.parametrize("domain", SPECIAL_USE_DOMAIN_NAMES)
def test_if_no_mail_can_be_sent_email_validator_has_the_last_word(domain: str) -> None:
    _agrees(f"jan@corporatie.{domain}")


def _agrees(address: str) -> None:
    try:
        wanted = validate_email(address, check_deliverability=False, test_environment=True).ascii_email
    except EmailNotValidError:
        with pytest.raises(ValueError):
            mailable(address)
    else:
        assert mailable(address) == wanted
