"""Mail addresses: which can be mailed, and when two are the same mailbox."""

import re
from collections.abc import Iterator

from mkwmail.i18n import _


def address_key(address: str) -> str:
    """The form in which addresses are compared: casefolded, the domain in punycode.

    >>> address_key("Jan@Bücher.example")
    'jan@xn--bcher-kva.example'
    """
    folded = address.strip().casefold()
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
    """The address in ASCII, None where it has none, and its domain in ASCII.

    :raises ValueError: where it is no address.
    """
    # Here, for it takes longer to load than a thousand addresses to read, and hardly any needs it.
    from email_validator import validate_email

    valid = validate_email(address, check_deliverability=False, test_environment=True)
    return valid.ascii_email, valid.ascii_domain


def mailable(address: str) -> str:
    """The address as SMTP can carry it everywhere: ASCII, the domain in punycode.

    :raises ValueError: with a short reason. A local part outside ASCII is among them: it needs
        SMTPUTF8 (RFC 6531), which many servers on the way do not have.
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


# What nearly all addresses look like; about these email-validator, which is slow, has nothing to say or to change.
_PLAIN = re.compile(
    r"(?P<local>[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)"
    r"@(?P<domain>(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+(?P<top>[A-Za-z]{2,}))"
)
_LONGEST = 63  # characters: no part of such an address can be too long (RFC 5321 §4.5.3.1, RFC 1035 §2.3.4)
# Where mail cannot go (RFC 6761, RFC 6762, RFC 7686); email-validator has the last word about them.
_SPECIAL = frozenset(("arpa", "invalid", "local", "localhost", "onion", "test"))


def _reasons(address: str) -> Iterator[tuple[bool, str]]:
    """Why an address cannot be mailed, and whether that applies; the last one always does."""
    local, at, domain = address.rpartition("@")
    yield not at, _("it has no @")
    yield not local, _("nothing stands before the @")
    yield not domain, _("nothing stands after the @")
    yield "@" in local, _("it has more than one @")
    yield bool(set(" \t\r\n\xa0") & set(address)), _("it has a space in it")
    yield "." not in domain, _("it has no dot after the @: an ending like .nl is missing")
    yield ".." in address, _("it has two dots in a row")
    yield len(local) > 64 or len(address) > 254, _("it is longer than an address can be")
    yield True, _("it has a sign in it where none can stand")


EXAMPLE_DOMAINS = ("example.org", "example.com", "example.net")
_EXAMPLE_ENDINGS = (".example", ".test", ".invalid", ".localhost")


def is_example(host: str) -> bool:
    """Whether a host is set aside for examples and tests and reaches nobody (RFC 2606, RFC 6761)."""
    name = host.casefold().rstrip(".")
    return (
        name in EXAMPLE_DOMAINS
        or name.endswith(tuple(f".{domain}" for domain in EXAMPLE_DOMAINS))
        or name.endswith(_EXAMPLE_ENDINGS)
    )
