"""The DNS records of a sender's domain, through a real name server; rule by rule."""

import socket
from collections.abc import Mapping, Sequence

import pytest

from mkwmail.delivery.dns_check import DomainRecords, domain_records, name_server, provider_of
from mkwmail.errors import ExitCode, UserError
from tests.name_server import NameServer

DOMAIN = "platform.example.org"
GOOD: Mapping[str, Sequence[str]] = {
    DOMAIN: ["v=spf1 include:spf.protection.outlook.com -all", "google-site-verification=x"],
    "spf.protection.outlook.com": ["v=spf1 ip4:192.0.2.0/24 -all"],
    f"selector1._domainkey.{DOMAIN}": [f"v=DKIM1; k=rsa; p={'A' * 400}"],
    f"_dmarc.{DOMAIN}": ["v=DMARC1; p=quarantine; rua=mailto:post@example.org"],
}
M365 = "smtp.office365.com"


def look(
    records: Mapping[str, Sequence[str]], selector: str | None = "selector1", host: str = M365, domain: str = DOMAIN
) -> DomainRecords:
    with NameServer(records) as server:
        return domain_records(domain, selector, host, name_server(server.address))


def without(*names: str) -> dict[str, Sequence[str]]:
    return {name: texts for name, texts in GOOD.items() if name not in names}


def faults(found: DomainRecords) -> list[str]:
    assert all(fault.remedy for fault in found.faults)
    return [f"{fault.place}: {fault.fault}" for fault in found.faults]


def test_a_domain_in_order() -> None:
    found = look(GOOD)
    assert found.faults == ()
    assert found.spf == "v=spf1 include:spf.protection.outlook.com -all"
    assert found.dkim == "there is a key selector1"
    assert found.dmarc == "v=DMARC1; p=quarantine; rua=mailto:post@example.org"


def test_a_domain_without_anything() -> None:
    found = look({})
    assert [fault.place for fault in found.faults] == [
        DOMAIN,
        f"selector1._domainkey.{DOMAIN}",
        f"_dmarc.{DOMAIN}",
    ]
    assert "include:spf.protection.outlook.com" in found.faults[0].remedy


@pytest.mark.parametrize(
    ("spf", "host", "said"),
    [
        (["v=spf1 -all", "v=spf1 mx -all"], "smtp.example.org", "2 SPF records"),
        (["v=spf1 mx +all"], "smtp.example.org", "every server in the world"),
        (["v=spf1 mx all"], "smtp.example.org", "every server in the world"),
        (["v=spf1 mx -all"], M365, "does not let smtp.office365.com mail for it"),
        (["v=spf1 mx -all"], "smtp.gmail.com", "does not let smtp.gmail.com mail for it"),
        (["v=spf10 -all"], "smtp.example.org", "no SPF record"),
        ([f"v=spf1 {' '.join(f'a:h{n}.example.org' for n in range(11))} -all"], M365, "takes 11 look-ups"),
        (["v=spf1 mx -all"], "smtp.example.org", ""),
        (["V=SPF1 MX ip4:192.0.2.1 ~ALL"], "smtp.example.org", ""),
        (["v=spf1 redirect=spf.protection.outlook.com"], M365, ""),
        (["v=spf1 include:bundle.example.net -all"], M365, ""),
        (["v=spf1 include:circle.example.net -all"], "smtp.example.org", ""),
        (["v=spf1 exists:%{i}.example.org -all"], "smtp.example.org", ""),
    ],
)
def test_spf(spf: Sequence[str], host: str, said: str) -> None:
    more = {
        "bundle.example.net": ["v=spf1 include:spf.protection.outlook.com -all"],
        "circle.example.net": ["v=spf1 include:circle.example.net -all"],
    }
    (found,) = faults(look({**GOOD, **more, DOMAIN: spf}, host=host)) or [""]
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize(
    ("key", "said"),
    [("v=DKIM1; p=", "withdrawn"), ("v=DKIM2; p=x", "no DKIM key"), ("hello", "no DKIM key"), ("p=x", "")],
)
def test_dkim(key: str, said: str) -> None:
    (found,) = faults(look({**GOOD, f"selector1._domainkey.{DOMAIN}": [key]})) or [""]
    assert said in found
    assert bool(said) == bool(found)


def test_without_a_selector_dkim_is_not_asked() -> None:
    with NameServer(GOOD) as server:
        found = domain_records(DOMAIN, None, M365, name_server(server.address))
        assert not any("_domainkey" in name for name in server.asked)
    assert "--dkim" in found.dkim
    assert found.faults == ()


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ({f"_dmarc.{DOMAIN}": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "2 DMARC records"),
        ({f"_dmarc.{DOMAIN}": ["v=DMARC1; rua=mailto:x@example.org"]}, "has no policy"),
        ({"_dmarc.example.org": ["v=DMARC1;p=reject"]}, ""),
        ({"_dmarc.org": ["v=DMARC1;p=reject"]}, "no DMARC record"),
        ({f"_dmarc.{DOMAIN}": ["v=DMARC12; p=none"]}, "no DMARC record"),
    ],
)
def test_dmarc(records: Mapping[str, Sequence[str]], said: str) -> None:
    (found,) = faults(look({**without(f"_dmarc.{DOMAIN}"), **records})) or [""]
    assert said in found
    assert bool(said) == bool(found)


def test_a_name_server_that_does_not_answer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        ask = name_server(f"127.0.0.1:{silent.getsockname()[1]}", patience=0.2)
        with pytest.raises(UserError, match="no name server answers") as caught:
            domain_records(DOMAIN, None, M365, ask)
        silent.setblocking(False)
        assert DOMAIN.partition(".")[0].encode() in silent.recv(4096)
    assert caught.value.code == ExitCode.SERVER


def test_a_name_server_that_cannot_be_reached() -> None:
    with pytest.raises(UserError, match="no name server answers") as caught:
        domain_records(DOMAIN, None, M365, name_server("127.0.0.1:0"))
    assert caught.value.code == ExitCode.SERVER


@pytest.mark.parametrize(
    ("servers", "provider"),
    [
        (["mkwplatform-nl.mail.protection.outlook.com"], "microsoft365"),
        (["mkwplatform-nl.a-v1.mx.microsoft"], "microsoft365"),
        (["ASPMX.L.GOOGLE.COM", "alt1.aspmx.l.google.com"], "google"),
        (["mail.mkwplatform.nl"], ""),
        (["notgoogle.com"], ""),
    ],
)
def test_the_server_that_receives_the_mail_tells_the_provider(servers: list[str], provider: str) -> None:
    with NameServer({}, {"mkwplatform.nl": servers}) as server:
        assert provider_of("secretaris@mkwplatform.nl", server.address) == provider
        assert provider_of("secretaris@other.nl", server.address) == ""
        assert provider_of("secretaris@example.org", server.address) == ""
