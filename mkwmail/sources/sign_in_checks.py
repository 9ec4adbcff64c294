"""What does not go together in the settings for signing in without a password."""

import re
from collections.abc import Iterator

from mkwmail.errors import Fault
from mkwmail.language import _
from mkwmail.sources.settings import Auth
from mkwmail.sources.yaml_file import Document, Plain

_ADDRESSES = ("authorize_url", "device_url", "token_url")
_ONLY_THEN = ("client_id", "tenant", "scopes", *_ADDRESSES)
_TENANT = re.compile(r"[A-Za-z0-9.-]+")


def sign_in_faults(document: Document, filled: dict[str, Plain]) -> Iterator[Fault]:
    """The faults of ``smtp:`` that concern ``auth: oauth``; seen in the texts, so that faults elsewhere do not hide
    them. ``filled``: the file's fields with the provider's."""
    smtp = filled.get("smtp")
    if not isinstance(smtp, dict):
        return
    written = {key: value.strip() for key, value in smtp.items() if isinstance(value, str) and value.strip()}
    if written.get("auth", "").casefold() != Auth.OAUTH:
        for key in _ONLY_THEN:
            if key in written:
                fault = _("%(key)s: it is for signing in without a password") % {"key": key}
                yield Fault(document.key_place(("smtp", key)), fault, _("write below smtp: a line auth: oauth"))
        return
    for key in ("password_command", "password_file"):
        if key in written:
            fault = _("%(key)s: with auth: oauth there is no password") % {"key": key}
            yield Fault(document.key_place(("smtp", key)), fault, _("delete it, and type: mkwmail login"))
    if "username" not in written:
        fault = _("username: with auth: oauth it says who signs in; it is mostly the mail address")
        yield Fault(document.place(("smtp",)), fault, _("write below smtp: a line username: …"))
    yield from _address_faults(document, written)


def _address_faults(document: Document, written: dict[str, str]) -> Iterator[Fault]:
    if not {"token_url", "scopes"} <= written.keys() or not {"authorize_url", "device_url"} & written.keys():
        fault = _("auth: oauth: it is not known where to sign in")
        remedy = _(
            "write provider: microsoft365 or google; for another provider token_url, scopes, and authorize_url "
            "or device_url below smtp:"
        )
        yield Fault(document.place(("smtp", "auth")), fault, remedy)
    for key in _ADDRESSES:
        # A token that goes readable over the network is anybody's (RFC 6749 §1.6).
        if key in written and not written[key].casefold().startswith("https://"):
            fault = _('%(key)s: "%(url)s" is no address that begins with https://')
            yield Fault(document.place(("smtp", key)), fault % {"key": key, "url": written[key]})
    if "tenant" in written and not _TENANT.fullmatch(written["tenant"]):
        fault = _('tenant: "%(tenant)s" is neither a domain nor an id') % {"tenant": written["tenant"]}
        yield Fault(document.place(("smtp", "tenant")), fault, "tenant: mkw.nl")
