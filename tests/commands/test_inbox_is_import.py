"""``inbox`` gives what saved mails give, from a mailbox that is full of other people's mail."""

import re
import shutil
from pathlib import Path

import pytest

from tests import dovecot, postfix
from tests.commands.test_inbox import (
    ELS,
    EVENT,
    JAN,
    KIM,
    LATER,
    LOU,
    REPORTS,
    ZOE,
    codes,
    ids_of,
    nothing_counts_twice,
    reply,
    token_mail,
)
from tests.delivery.certificates import Certificate, make_certificate
from tests.dovecot import Dovecot
from tests.postfix import Postfix
from tests.smtp_server import ScriptedServer, Taken
from tests.workplace import Place, a_place

pytestmark = [dovecot.missing, postfix.missing]

ADA, BOB, CAS = "ada@twaalf.example.org", "bob@dertien.example.org", "cas@veertien.example.org"
MORE = tuple(f"{each.partition('@')[0].title()};;Bos;{each};{each.partition('@')[2]};lid" for each in (ADA, BOB, CAS))
OURS = "6f0c1d2e3b4a59687786a5b4c3d2e1f0@platform.example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "DNS:localhost,IP:127.0.0.1")


def ask_by_calendar(place: Place) -> None:
    """Let calendars ask for an answer."""
    path = place.folder / "events" / "2020-04-16-directeurendag.yaml"
    path.write_text(path.read_text("utf-8").replace("method: publish", "method: request"), encoding="utf-8")


def report_of(name: str, about: Taken, message_id: str) -> bytes:
    """A delivery report of the collection, about one of our mails."""
    text = (REPORTS / f"{name}.eml").read_text(encoding="utf-8")
    text = re.sub(r"<[^<>@\s]+@platform\.example\.org>", f"<{message_id}>", text)
    return text.replace("k.jansen@huis.example.net", about.recipients[0]).encode()


def calendar_reply(about: Taken, partstat: str, day: int = 18) -> bytes:
    """An answer as a calendar mails it."""
    found = re.search(rb"\nUID:([^\r\n]+(?:\r?\n [^\r\n]+)*)", about.data)
    assert found
    uid = re.sub(rb"\r?\n ", b"", found[1]).decode()
    who = about.recipients[0]
    return (
        f"From: {who}\nTo: secretaris@example.org\nSubject: Geaccepteerd: Directeurendag\n"
        f"Message-ID: <{partstat}{day}.{who}>\nDate: Tue, {day} Feb 2020 10:00:00 +0100\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/alternative; boundary="b"\n\n--b\nContent-Type: text/plain\n\nDag\n--b\n'
        f"Content-Type: text/calendar; method=REPLY; charset=utf-8\n\nBEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n"
        f"METHOD:REPLY\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:202002{day}T090000Z\nSEQUENCE:0\n"
        f"DTSTART:20200416T110000Z\nATTENDEE;PARTSTAT={partstat}:mailto:{who}\nEND:VEVENT\nEND:VCALENDAR\n--b--\n"
    ).encode()


def twelve(smtp: ScriptedServer, place: Place) -> list[bytes]:
    """Twelve kinds of mail about a mailing."""
    ids, code = ids_of(smtp), codes(place)
    by = {each.recipients[0]: each for each in smtp.taken}
    return [
        calendar_reply(by[KIM], "ACCEPTED"),
        calendar_reply(by[JAN], "DECLINED"),
        calendar_reply(by[ELS], "TENTATIVE"),
        report_of("postfix-unknown", by[ZOE], ids[ZOE]),
        report_of("exchange-online-unknown", by[LOU], ids[LOU]),
        report_of("postfix-delayed", by[BOB], ids[BOB]),
        report_of("gmail-full", by[CAS], ids[CAS]),
        token_mail(ADA, code[ADA], f"Ik kan er niet bij zijn [mkw-{code[ADA]}]", "Ik kan er niet bij zijn."),
        token_mail("iemand@elders.example.net", code[BOB], f"Ik kom [mkw-{code[BOB]}]", "Ik kom."),
        reply(KIM, ids[KIM], "Ik ben er niet.", "Automatisch antwoord: x", "Auto-Submitted: auto-replied\n"),
        reply(JAN, ids[JAN], "Mag mijn collega mee?"),
        reply(ELS, ids[ELS], "Liever niet meer.", "Graag geen uitnodigingen meer van MKW Platform"),
    ]


def through(server: Postfix, mails: list[bytes]) -> list[bytes]:
    """The mails as Postfix delivers them."""
    with server.session() as session:
        for mail in mails:
            session.sendmail("iemand@example.net", ["secretaris@example.org"], mail.replace(b"\n", b"\r\n"))
    server.wait_for_delivered(len(mails))
    return [path.read_bytes() for path in sorted(server.maildir.glob("new/*"))]


def states(place: Place) -> tuple[list[tuple[str, str]], object]:
    """Return everybody's answers, and the states of their mails."""
    listed = place.run("answers", "list", EVENT, "--json", now=LATER).json["answers"]
    status = place.run("status", EVENT, "--json", now=LATER).json
    known = ("rounds", "attendance", "catering")
    return sorted((each["member"], each["answer"]) for each in listed), [status[each] for each in known]


def test_twelve_kinds_among_three_thousand_mails(tmp_path: Path, certificate: Certificate) -> None:
    with ScriptedServer() as smtp, Dovecot() as box, Postfix(certificate) as server:
        (first := tmp_path / "een").mkdir()
        place = a_place(first, smtp.port)
        place.members(*(each for each in (place.folder / "leden.csv").read_text().splitlines()[1:]), *MORE)
        ask_by_calendar(place)
        place.settings(smtp.port, box.settings(place, "INBOX, Antwoorden é"))
        assert place.send().json["sent"] == 8
        mails = through(server, twelve(smtp, place))
        saved = first / "opgeslagen"
        saved.mkdir()
        for number, mail in enumerate(mails):
            (saved / f"{number}.eml").write_bytes(mail)
            box.deliver(mail)
        box.deliver(mails[0], ".Antwoorden &AOk-")
        domain = next(iter(ids_of(smtp).values())).partition("@")[2]
        box.deliver_others(3000, domain, every=10)
        shutil.copytree(first, tmp_path / "twee")
        by_hand = Place(tmp_path / "twee")
        before = box.names()
        ran = place.run("inbox", "--json", now=LATER)
        assert ran.code == 0, ran.err
        assert "GEHEIM" not in box.answered() and "Mag mijn collega mee?" in box.answered()
        assert box.names() == before
        assert (ran.json["automatic"], len(ran.json["replies"]), len(ran.json["opt_outs"])) == (1, 1, 1)
        by_hand.run("answers", "import", EVENT, str(by_hand.folder / "opgeslagen"), now=LATER)
        by_hand.run("bounces", "import", EVENT, str(by_hand.folder / "opgeslagen"), now=LATER)
        assert states(place) == states(by_hand)
        assert len(states(place)[0]) == 4
        assert {each["verdict"] for each in ran.json["bounces"]} >= {"delayed"} and len(ran.json["bounces"]) == 4
        nothing_counts_twice(place, box)
        assert box.names() == before and states(place) == states(by_hand)
