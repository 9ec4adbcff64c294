"""The whole program against Debian's Postfix: a login over STARTTLS, and what a real server may put in the way."""

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests import postfix
from tests.delivery.certificates import Certificate, make_certificate
from tests.postfix import PASSWORD, USER, Postfix
from tests.workplace import MOMENT, PEOPLE, Place, Ran, a_place

pytestmark = postfix.missing

ADDRESSES = tuple(row.split(";")[3] for row in PEOPLE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"), "DNS:localhost,IP:127.0.0.1")


class Office:
    """A working folder whose mail goes through a Postfix."""

    def __init__(self, folder: Path, certificate: Certificate, server: Postfix) -> None:
        self.place: Place = a_place(folder, server.port)
        self._known = {"SSL_CERT_FILE": str(certificate.certificate), "MKWMAIL_SMTP_PASSWORD": PASSWORD}
        settings = (folder / "mkwmail.yaml").read_text()
        encrypted = settings.replace("security: none", f"security: starttls, username: {USER}@post.example.org")
        self.place.write("mkwmail.yaml", encrypted)

    def send(self, now: str = MOMENT, password: str = PASSWORD) -> Ran:
        known = self._known | {"MKWMAIL_SMTP_PASSWORD": password}
        return self.place.run("send", "directeurendag-2020", "invitation", "--yes", "--json", now=now, **known)

    def show_sent(self, member: str) -> bytes:
        folder = self.place.folder / "sent"
        words = ("preview", "directeurendag-2020", "invitation", "--member", member, "--sent", "--eml", str(folder))
        assert self.place.run(*words).code == 0
        (shown,) = folder.glob("*.eml")
        return shown.read_bytes()

    def check(self) -> Ran:
        return self.place.run("check", "directeurendag-2020", "--server", "--json", **self._known)


def _hours_later(hours: int) -> str:
    return (datetime.fromisoformat(MOMENT) + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize("smtputf8", ["yes", "no"])
def test_what_arrives_is_what_preview_showed(tmp_path: Path, certificate: Certificate, smtputf8: str) -> None:
    with Postfix(certificate, {"smtputf8_enable": smtputf8}) as server:
        office = Office(tmp_path, certificate, server)
        mails = tmp_path / "mails"
        assert office.place.run("preview", "directeurendag-2020", "invitation", "--eml", str(mails)).code == 0
        shown = {_without_dates(path.read_bytes()) for path in mails.glob("*.eml")}
        sent = office.send()
        assert (sent.code, sent.json["sent"]) == (0, 5)
        server.wait_for_delivered(5)
        arrived = [server.mailbox(address) for address in ADDRESSES]
        assert [len(box) for box in arrived] == [1] * 5
        assert {_without_dates(box[0]) for box in arrived} == shown
        assert sum(f"sasl_username={USER}@post.example.org" in line for line in server.log) == 5
        assert office.show_sent("Kim Verbeek") == server.mailbox(ADDRESSES[0])[0]


def test_dots_and_long_lines_arrive_as_they_were_written(tmp_path: Path, certificate: Certificate) -> None:
    with Postfix(certificate) as server:
        office = Office(tmp_path, certificate, server)
        office.place.write("templates/signature.md", f".\n\n..\n\n. punt\n\n{'lang ' * 600}\n\nFrom hier\n")
        office.place.members(f'Kim;;Verbeek;kim@woonstede.example.org;".\n.{"Woon" * 40}";directeur')
        assert office.send().json["sent"] == 1
        server.wait_for_delivered(1)
        (arrived,) = server.mailbox(ADDRESSES[0])
        assert arrived == office.show_sent("Kim Verbeek")
        assert max(map(len, arrived.split(b"\r\n"))) <= 998
        text = message_from_bytes(arrived, policy=policy.default).get_body(("plain",))
        assert text is not None
        lines = text.get_content().splitlines()
        assert "." in lines and ".." in lines and "From hier" in lines
        assert "lang " * 5 in " ".join(lines)


def test_a_wrong_password_stops_before_the_first_member(tmp_path: Path, certificate: Certificate) -> None:
    with Postfix(certificate) as server:
        office = Office(tmp_path, certificate, server)
        refused = office.send(password="iets anders")
        assert refused.code == 77
        assert "iets anders" not in refused.out + refused.err
        assert office.send().json["sent"] == 5


def test_greylisting_defers_everybody_and_the_next_run_brings_it(tmp_path: Path, certificate: Certificate) -> None:
    with postfix.greylisting() as port:
        service = {"smtpd_recipient_restrictions": f"check_policy_service inet:127.0.0.1:{port}"}
        with Postfix(certificate, service) as server:
            office = Office(tmp_path, certificate, server)
            first = office.send()
            assert (first.code, first.json["sent"], len(first.json["deferred"])) == (75, 0, 5)
            assert "Greylisted" in first.json["deferred"][0]["reason"]
            soon = office.send(now=_hours_later(0))
            assert (soon.json["sent"], server.mailbox(ADDRESSES[0])) == (0, [])
            later = office.send(now=_hours_later(1))
            assert (later.code, later.json["sent"]) == (0, 5)
            server.wait_for_delivered(5)
            assert [len(server.mailbox(address)) for address in ADDRESSES] == [1] * 5


@pytest.mark.long
def test_a_rate_limit_stops_the_run_and_nobody_is_forgotten(tmp_path: Path, certificate: Certificate) -> None:
    with Postfix(certificate, {"smtpd_client_message_rate_limit": "2", "anvil_rate_time_unit": "2s"}) as server:
        office = Office(tmp_path, certificate, server)
        codes: list[int] = []
        while not codes or codes[-1] != 0:
            run = office.send()
            codes.append(run.code)
            assert run.code in (0, 69), run.err
            assert len(codes) < 200
        assert codes[0] == 69
        server.wait_for_delivered(5)
        assert [len(server.mailbox(address)) for address in ADDRESSES] == [1] * 5


def test_the_reports_that_it_sends_about_a_mail_are_read(tmp_path: Path, certificate: Certificate) -> None:
    with Postfix(certificate, {"smtpd_reject_unlisted_recipient": "no"}) as server:
        office = Office(tmp_path, certificate, server)
        office.place.members(*PEOPLE[1:], "Pim;;Weg;nobody@woonstede.example.org;Woonstede;lid")
        assert office.send().json["sent"] == 5
        server.wait_for_delivered(5)  # four members' mails, and the report to the secretary
        read = office.place.run("bounces", "import", "directeurendag-2020", str(server.maildir))
        assert read.code == 0, read.err
        assert "1 message came back." in read.out
        assert "Pim Weg <nobody@woonstede.example.org>, invitation: " in read.out


def test_who_is_unknown_is_refused_and_named(tmp_path: Path, certificate: Certificate) -> None:
    with Postfix(certificate) as server:
        office = Office(tmp_path, certificate, server)
        office.place.members(*PEOPLE[1:], "Pim;;Weg;nobody@woonstede.example.org;Woonstede;lid")
        sent = office.send()
        assert (sent.code, sent.json["sent"]) == (80, 4)
        (refused,) = sent.json["refused"]
        assert refused["address"] == "nobody@woonstede.example.org"
        assert re.search(r"550 5\.1\.1 .*User unknown", refused["reason"])


def test_a_size_limit_is_reported_before_the_first_mail(tmp_path: Path, certificate: Certificate) -> None:
    with Postfix(certificate, {"message_size_limit": "9000"}) as server:
        office = Office(tmp_path, certificate, server)
        checked = office.check()
        assert checked.code != 0
        assert "9" in checked.out
        sent = office.send()
        assert sent.code == 69
        assert sent.json["sent"] == 0
        assert not any("status=sent" in line for line in server.log)


# The head of the attached calendar file.
_ENTRY_FILE = rb'Content-Type: (?:application/ics|text/calendar[^\r\n]*name="invite\.ics")'


def _without_dates(mail: bytes) -> bytes:
    # The calendar's DTSTAMP is in quoted-printable, and once more in the base64 of its file.
    calendar, *_rest = re.split(_ENTRY_FILE, mail)
    return re.sub(rb"(?m)^(Date: |DTSTAMP:).*$", b"", calendar)
