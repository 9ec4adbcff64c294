"""Mail addresses: check that they can be mailed, and compare them."""

import re
from collections.abc import Iterator

from mkwmail.i18n import _


def address_key(address: str) -> str:
    """Return the key for comparing addresses: casefolded, domain in punycode.

    >>> address_key("Jan@Bücher.example")
    'jan@xn--bcher-kva.example'
    """
    folded = address.strip().casefold()
    if folded == address and address.isascii():
        return address  # the same text, not a copy: a list may have a hundred thousand
    if folded.isascii():
        return folded
    local, at, domain = folded.rpartition("@")
    return f"{local}{at}{_ascii_domain(domain) if at else domain}"


def _ascii_domain(folded: str) -> str:
    if folded.isascii():
        return folded
    try:
        return _validated(f"x@{folded}")[1]
    except ValueError:
        return folded


def _validated(address: str) -> tuple[str | None, str]:
    """Return the address in ASCII and its domain in ASCII.

    The address is None if it has no form in ASCII.

    :raises ValueError: if it is not a valid address.
    """
    # Imported here because loading it takes longer than reading a thousand addresses, and few addresses need it.
    from email_validator import validate_email

    valid = validate_email(address, check_deliverability=False, test_environment=True)
    return valid.ascii_email, valid.ascii_domain


def mailable(address: str) -> str:
    """Return the address in ASCII, as every SMTP server accepts it.

    The domain is in punycode.

    :raises ValueError: with a short reason, if the address cannot be mailed. A local part outside ASCII
        is refused too: it needs SMTPUTF8 (RFC 6531), which many servers do not support.
    """
    if len(address) <= _LONGEST and (plain := _PLAIN.fullmatch(address)) and plain["top"].lower() not in _SPECIAL:
        return f"{plain['local']}@{plain['domain'].lower()}"
    try:
        plain_address, _domain = _validated(address)
    except ValueError:
        raise ValueError(next(reason for applies, reason in _reasons(address) if applies)) from None
    if not plain_address:
        raise ValueError(_("the part before the @ has letters outside ASCII"))
    return plain_address


# The form of nearly all addresses. email-validator, which is slow, accepts these and does not change them.
_PLAIN = re.compile(
    r"(?P<local>[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)"
    r"@(?P<domain>(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+(?P<top>[A-Za-z]{2,}))"
)
_LONGEST = 63  # characters: no part of such an address can be too long (RFC 5321 §4.5.3.1, RFC 1035 §2.3.4)
# Domains that cannot receive mail (RFC 6761, RFC 6762, RFC 7686); email-validator decides about them.
_SPECIAL = frozenset(("arpa", "invalid", "local", "localhost", "onion", "test"))


def _reasons(address: str) -> Iterator[tuple[bool, str]]:
    """Yield whether each reason applies, and the reason; the last applies."""
    local, at, domain = address.rpartition("@")
    yield not at, _("it has no @")
    yield not local, _("there is nothing before the @")
    yield not domain, _("there is nothing after the @")
    yield "@" in local, _("it has more than one @")
    yield bool(set(" \t\r\n\xa0") & set(address)), _("it has a space in it")
    yield "." not in domain, _("it has no dot after the @: an ending like .nl is missing")
    yield ".." in address, _("it has two dots in a row")
    yield len(local) > 64 or len(address) > 254, _("it is longer than an address can be")
    yield True, _("it has a character that is not allowed there")


EXAMPLE_DOMAINS = ("example.org", "example.com", "example.net")
_EXAMPLE_ENDINGS = (".example", ".test", ".invalid", ".localhost")


def is_example(host: str) -> bool:
    """Return whether a host is reserved for examples and tests.

    Mail to such a host reaches no one (RFC 2606, RFC 6761).
    """
    name = host.casefold().rstrip(".")
    return (
        name in EXAMPLE_DOMAINS
        or name.endswith(tuple(f".{domain}" for domain in EXAMPLE_DOMAINS))
        or name.endswith(_EXAMPLE_ENDINGS)
    )
