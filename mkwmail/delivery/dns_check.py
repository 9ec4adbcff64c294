"""The DNS records about the sender's domain: SPF, DKIM, DMARC.

They do not keep a mail from being sent; they decide whether other servers trust it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dns.exception
import dns.resolver

from mkwmail.addresses import is_example
from mkwmail.errors import ExitCode, Fault, user_error
from mkwmail.i18n import _

Ask = Callable[[str], tuple[str, ...]]
"""Returns the TXT records of a name; empty if it has none.

:raises UserError: code SERVER if no name server answers.
"""

_PATIENCE = 10.0  # seconds for one question
_MOST_LOOKUPS = 10  # RFC 7208 §4.6.4
_LOOKS_UP = re.compile(r"[+?~-]?(?:(?:include|exists|ptr|a|mx)(?:[:/].*)?|redirect=.+)$", re.IGNORECASE)
_ONWARD = re.compile(r"[+?~-]?(?:include:|redirect=)(.+)$", re.IGNORECASE)

# The record that lets a provider's servers mail for a domain. learn.microsoft.com, "Set up SPF";
# support.google.com/a/answer/33786
_PROVIDERS = {"smtp.office365.com": "spf.protection.outlook.com", "smtp.gmail.com": "_spf.google.com"}


@dataclass(frozen=True, slots=True)
class DomainRecords:
    """The records of a domain: a line for each of the three, and the faults."""

    spf: str
    dkim: str
    dmarc: str
    faults: tuple[Fault, ...]


def domain_records(domain: str, selector: str | None, host: str, ask: Ask) -> DomainRecords:
    """Look up a sender's domain.

    ``selector`` names the DKIM key (RFC 6376 §3.1), ``host`` the server that sends the mail.

    :raises UserError: code SERVER if no name server answers.
    """
    spf, spf_faults = _spf(domain, host, ask)
    dkim, dkim_faults = _dkim(domain, selector, ask)
    dmarc, dmarc_faults = _dmarc(domain, ask)
    return DomainRecords(spf, dkim, dmarc, (*spf_faults, *dkim_faults, *dmarc_faults))


def name_server(server: str | None = None, patience: float = _PATIENCE) -> Ask:
    """Ask the computer's own name servers, or the one at ``address:port``.

    :param patience: the seconds for one question.
    """

    def ask(name: str) -> tuple[str, ...]:
        try:
            answer = _resolver(server, patience).resolve(name, "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError, ValueError):
            remedy = _("check the network and try again later")
            problem = user_error(name, _("no name server answers"), remedy, code=ExitCode.SERVER)
        else:
            # A record longer than 255 octets comes in pieces (RFC 7208 §3.3).
            return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer)
        raise problem

    return ask


def _resolver(server: str | None, patience: float) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=server is None)
    if server is not None:
        address, _colon, port = server.rpartition(":")
        resolver.nameservers, resolver.port = [address], int(port)
    resolver.lifetime = patience
    return resolver


# The servers that receive a domain's mail, by the end of their names. learn.microsoft.com, "Add DNS records";
# support.google.com/a/answer/174125
_RECEIVE = {
    "mail.protection.outlook.com": "microsoft365",
    "mx.microsoft": "microsoft365",
    "google.com": "google",
    "googlemail.com": "google",
    "previder.nl": "previder",
}


def provider_of(email: str, server: str | None = None) -> str:
    """Return the provider that receives an address's mail (MX), empty if it is unknown or there is no network.

    :param server: a name server as ``address:port``; that of the system if it is None.
    """
    domain = email.rpartition("@")[2].casefold()
    if not domain or is_example(domain):
        return ""
    if domain in {"gmail.com", "googlemail.com"}:
        return "gmail"
    try:
        answer = _resolver(server, _PATIENCE / 5).resolve(domain, "MX", search=False)
        servers = [str(each.exchange).rstrip(".").casefold() for each in answer]
    except (dns.exception.DNSException, OSError, ValueError):
        return ""
    ends = ((name, server) for name in _RECEIVE for server in servers)
    return next((_RECEIVE[name] for name, server in ends if f".{server}".endswith(f".{name}")), "")


def _spf(domain: str, host: str, ask: Ask) -> tuple[str, list[Fault]]:
    """RFC 7208."""
    needed = _PROVIDERS.get(host, "")
    include = f"include:{needed}" if needed else _("(as given by your mail provider)")
    records = _spf_records(domain, ask)
    if len(records) != 1:
        if records:
            fault = _("it has %(count)d SPF records, so none of them counts") % {"count": len(records)}
            return _("more than one"), [Fault(domain, fault, _("keep one, with everything in it"))]
        fault = _("it has no SPF record: receivers cannot tell this server from a forger's")
        remedy = _("ask your DNS administrator to add the TXT record: v=spf1 %(include)s -all") % {"include": include}
        return _("missing"), [Fault(domain, fault, remedy)]
    (record,) = records
    faults = []
    if any(word.lower() in ("all", "+all") for word in record.split()):
        fault = _("its SPF record lets every server in the world mail for it (+all)")
        faults.append(Fault(domain, fault, _("let it end in -all or ~all")))
    lookups, reached = _reached(record, ask)
    if lookups > _MOST_LOOKUPS:
        words = {"count": lookups, "most": _MOST_LOOKUPS}
        fault = _("its SPF record takes %(count)d look-ups, and more than %(most)d makes it invalid") % words
        faults.append(Fault(domain, fault, _("take out what no longer mails for the domain")))
    elif needed and needed not in reached:
        fault = _("its SPF record does not let %(host)s mail for it") % {"host": host}
        remedy = _("ask your DNS administrator to add to it, before its last word: %(include)s") % {"include": include}
        faults.append(Fault(domain, fault, remedy))
    return record, faults


def _spf_records(domain: str, ask: Ask) -> list[str]:
    return [text for text in ask(domain) if text.lower().split(" ")[0] == "v=spf1"]


def _reached(record: str, ask: Ask) -> tuple[int, set[str]]:
    """Return how many look-ups a record takes, and the domains it includes."""
    count, reached, waiting = 0, set[str](), [record]
    while waiting and count <= _MOST_LOOKUPS:
        for word in waiting.pop().split()[1:]:
            count += bool(_LOOKS_UP.match(word))
            onward = _ONWARD.match(word)
            # A name that depends on the mail (RFC 7208 §7) cannot be followed.
            if onward and "%" not in onward[1] and onward[1].lower() not in reached:
                reached.add(onward[1].lower())
                waiting += _spf_records(onward[1], ask)
    return count, reached


def _dkim(domain: str, selector: str | None, ask: Ask) -> tuple[str, list[Fault]]:
    """RFC 6376 §3.6.1."""
    if selector is None:
        return _("not asked: give the name of its key with --dkim, such as selector1 or google"), []
    name = f"{selector}._domainkey.{domain}"
    keys = [_tags(text) for text in ask(name)]
    keys = [tags for tags in keys if "p" in tags and tags.get("v", "DKIM1") == "DKIM1"]
    if not keys:
        remedy = _(
            "switch on DKIM with your mail provider, and ask your DNS administrator to add the records that it gives"
        )
        return _("missing"), [Fault(name, _("there is no DKIM key under this name"), remedy)]
    if not any(tags["p"] for tags in keys):
        return _("withdrawn"), [Fault(name, _("this DKIM key was withdrawn"), _("give the name of the newer key"))]
    return _("there is a key %(selector)s") % {"selector": selector}, []


def _dmarc(domain: str, ask: Ask) -> tuple[str, list[Fault]]:
    """RFC 7489 §6.6.3: if this domain has no record, look at those above it.

    The last one looked at has two labels.
    """
    for place in _upwards(domain):
        records = [text for text in ask(f"_dmarc.{place}") if re.match(r"v=DMARC1\s*(;|$)", text)]
        if len(records) > 1:
            fault = _("it has %(count)d DMARC records, so none of them counts") % {"count": len(records)}
            return _("more than one"), [Fault(f"_dmarc.{place}", fault, _("keep one"))]
        if records:
            policy = _tags(records[0]).get("p", "")
            if policy.lower() in ("none", "quarantine", "reject"):
                return records[0], []
            remedy = _("write p=none, p=quarantine or p=reject")
            return records[0], [Fault(f"_dmarc.{place}", _("its DMARC record has no policy"), remedy)]
    fault = _("it has no DMARC record: receivers are not told what to do with mail that forges it")
    remedy = _("ask your DNS administrator to add the TXT record: v=DMARC1; p=none")
    return _("missing"), [Fault(f"_dmarc.{domain}", fault, remedy)]


def _upwards(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    for first in range(max(1, len(labels) - 1)):
        yield ".".join(labels[first:])


def _tags(text: str) -> dict[str, str]:
    """A list of tags (RFC 6376 §3.2)."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): re.sub(r"\s", "", value) for name, equals, value in pairs if equals}
