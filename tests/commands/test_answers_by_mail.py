"""Answers by mail: the buttons of an invitation, and the mails that come back as mail programs write them."""

import email
import html
import re
from email import policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests import dovecot, postfix
from tests.delivery.certificates import Certificate, make_certificate
from tests.dovecot import Dovecot
from tests.postfix import Postfix
from tests.smtp_server import ScriptedServer, Taken
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
MORE = (
    "Ada;;Bos;ada@twaalf.example.org;Twaalf;directeur",
    "Bob;;Kok;bob@dertien.example.org;Dertien;directeur",
    "Cas;;Maas;cas@veertien.example.org;Veertien;directeur",
)
LATER = "2020-02-20T15:00"

pytestmark = [dovecot.missing, postfix.missing]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "DNS:localhost,IP:127.0.0.1")


def by_mail(folder: Path, port: int, box: Dovecot) -> Place:
    place = a_place(folder, port)
    place.members(*PEOPLE, *MORE)
    place.settings(port, box.settings(place))
    path = folder / "events" / "2020-04-16-directeurendag.yaml"
    text = re.sub(r"(?m)^  url: .*aanmelden.*$", "  by: mail", path.read_text(encoding="utf-8"))
    lunch = "programme:\n  - time: 12.00\n    title: Inlooplunch\n    optional: true\n"
    path.write_text(text.replace("programme:\n", lunch), encoding="utf-8")
    return place


def buttons(mail: bytes) -> list[tuple[str, str]]:
    """The subject and the text of the mail that each button opens, the first first."""
    page = email.message_from_bytes(mail, policy=policy.default).get_body(("html",))
    assert isinstance(page, EmailMessage)
    opened = []
    for link in re.findall(r'href="(mailto:[^"]*)"', page.get_content()):
        query = urlsplit(html.unescape(link)).query
        fields = dict(part.split("=", 1) for part in query.split("&"))
        opened.append((unquote(fields["subject"]), unquote(fields["body"])))
    return opened


def written(program: str, sender: str, subject: str, text: str, day: int = 18, hour: int = 10) -> EmailMessage:
    """A mail as a program writes it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "secretaris@example.org", subject
    mail["Date"] = f"Tue, {day} Feb 2020 {hour}:00:00 +0100"
    mail["Message-ID"] = f"<{abs(hash((sender, subject, text, day)))}@{program}.example.net>"
    page = "".join(f"<div>{html.escape(line) or '<br>'}</div>" for line in text.splitlines())
    if program == "apple":
        mail["X-Mailer"] = "Apple Mail (2.3654.60.0.2.21)"
        mail.set_content(text + "\n\nVerstuurd vanaf mijn iPhone", cte="quoted-printable")
    elif program == "outlook":
        mail["Thread-Topic"], mail["Content-Language"] = subject, "nl-NL"
        mail.set_content(text, charset="iso-8859-1", cte="quoted-printable")
        mail.add_alternative(f"<html><body><p class=MsoNormal>{page}</p></body></html>", subtype="html", cte="base64")
    elif program == "outlook html":
        mail.set_content(f"<html><body>{page}</body></html>", subtype="html", cte="base64")
    else:
        mail.set_content(text, cte="base64")
        mail.add_alternative(f'<div dir="ltr">{page}</div>', subtype="html")
    return mail


def deliver(server: Postfix, box: Dovecot, mails: list[EmailMessage]) -> None:
    """Send mails to Postfix, and put what it delivers into the mailbox."""
    before = set(server.maildir.glob("new/*"))
    with server.session() as session:
        for mail in mails:
            session.send_message(mail)
    server.wait_for_delivered(len(before) + len(mails))
    for path in sorted(set(server.maildir.glob("new/*")) - before):
        box.deliver(path.read_bytes())


def answers(place: Place) -> dict[str, str]:
    listed = place.run("answers", "list", EVENT, "--json", now=LATER).json["answers"]
    return {each["member"]: each["answer"] for each in listed}


def test_eight_invitations_are_answered_by_mail(tmp_path: Path, certificate: Certificate) -> None:
    with ScriptedServer() as smtp, Dovecot() as box, Postfix(certificate) as server:
        place = by_mail(tmp_path, smtp.port, box)
        assert place.send().json["sent"] == 8
        comes, declines = {}, {}
        for each in smtp.taken:
            (comes[each.recipients[0]], declines[each.recipients[0]]) = buttons(each.data)
        kim, jan, els, zoe, lou, ada, bob, cas = (row.split(";")[3] for row in (*PEOPLE, *MORE))
        subject, text = comes[kim]
        assert subject.startswith("Ik kom: Directeurendag [mkw-") and "Inlooplunch (ja of nee): \r\n" in text
        filled = text.replace("(ja of nee): ", "(ja of nee): ja").replace("(aantal): ", "(aantal): 2")
        mails = [
            written("outlook", kim, subject, filled),
            written("gmail", jan, *declines[jan]),
            written("apple", els, *comes[els]),
            written("gmail", zoe, "Onze dag", comes[zoe][1].replace("Opmerking: ", "Opmerking: zonder vlees graag")),
            written("outlook html", lou, *declines[lou]),
            # Forwarded to a colleague, who answers.
            written("outlook", "collega@twaalf.example.org", f"FW: {comes[ada][0]}", comes[ada][1]),
            # Typed by hand, from the text part.
            written("apple", bob, comes[bob][0].replace(": Directeurendag", "").lower(), ""),
            written("gmail", cas, *comes[cas]),
            written("gmail", cas, *declines[cas], day=19),
        ]
        deliver(server, box, mails)
        found = place.run("inbox", "--json", now=LATER)
        assert found.code == 0, found.err
        assert answers(place) == {
            "Kim Verbeek": "attending",
            "Jan de Vries": "declined",
            "Els van der Ven": "attending",
            "Zoë Ruiter": "attending",
            "Lou 't Hart": "declined",
            "Bob Kok": "attending",
            "Cas Maas": "declined",
        }
        assert [(each["member"], each["address"]) for each in found.json["to_look_at"]] == [
            ("Ada Bos", "collega@twaalf.example.org")
        ]
        status = place.run("status", EVENT, "--json", now=LATER).out
        assert '"Inlooplunch"' in status
        listed = place.run("answers", "list", EVENT, now=LATER).out
        assert "zonder vlees graag" in listed


def test_a_form_stays_and_who_cannot_come_says_so_by_mail(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = a_place(tmp_path, smtp.port)
        assert place.send().json["sent"] == 5
        assert all(b"mailto:secretaris@example.org?subject=Ik" not in each.data for each in smtp.taken)
        other = tmp_path / "other"
        other.mkdir()
        place = a_place(other, smtp.port)
        place.settings(smtp.port, box.settings(place))
        assert place.send().json["sent"] == 5
        ((subject, text),) = buttons(smtp.taken[-1].data)
        assert subject.startswith("Ik kan er niet bij zijn: Directeurendag [mkw-")
        mail = written("gmail", smtp.taken[-1].recipients[0], subject, text)
        box.deliver(mail.as_bytes())
        place.run("inbox", now=LATER)
        assert list(answers(place).values()) == ["declined"]


def test_a_proof_answers_for_nobody(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = by_mail(tmp_path, smtp.port, box)
        assert place.run("proof", EVENT, "invitation", "lilian@example.org", "--yes").code == 0
        subjects = [subject for each in smtp.taken for subject, _text in buttons(each.data)]
        assert subjects and all("[mkw-PROEF]" in each for each in subjects)


def test_saved_mails_give_the_same_and_doubt_is_settled_by_a_word(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = by_mail(tmp_path, smtp.port, box)
        assert place.send().json["sent"] == 8
        opened = {each.recipients[0]: buttons(each.data) for each in smtp.taken}
        kim, ada = PEOPLE[0].split(";")[3], MORE[0].split(";")[3]
        saved = tmp_path / "opgeslagen"
        saved.mkdir()
        mails = [
            written("gmail", kim, *opened[kim][0]),
            written("outlook", "collega@twaalf.example.org", f"FW: {opened[ada][0][0]}", opened[ada][0][1]),
        ]
        for number, mail in enumerate(mails):
            (saved / f"{number}.eml").write_bytes(mail.as_bytes())
            box.deliver(mail.as_bytes())
        ran = place.run("answers", "import", EVENT, str(saved), now=LATER)
        assert ran.code == 0, ran.err
        assert "Kim Verbeek: attending" in ran.out and "1 answer recorded." in ran.out
        assert "To settle: Ada Bos: answered by mail from another address, collega@twaalf.example.org" in ran.out
        read = place.run("inbox", "--json", now=LATER).json
        assert read["answers"] == [] and answers(place) == {"Kim Verbeek": "attending"}
        planned = place.run("send", EVENT, "reminder", "--dry-run", "--json", now="2020-03-23T09:00").json
        assert planned["planned"] == 6  # neither Kim nor Ada
        place.run("answers", "set", EVENT, "Ada Bos", "nee", now=LATER)
        assert answers(place) == {"Kim Verbeek": "attending", "Ada Bos": "declined"}
        assert "To settle" not in place.run("answers", "list", EVENT, now=LATER).out
        place.members(*(row for row in (*PEOPLE, *MORE) if ada not in row))
        assert place.run("forget", ada, "--yes", now=LATER).code == 0
        kept = (tmp_path / "mkwmail-test.db").read_bytes()
        assert b"collega@twaalf" not in kept


def of_members(smtp: ScriptedServer) -> list[Taken]:
    """Return the mails that were sent, without the reports to the secretary."""
    return [each for each in smtp.taken if "secretaris@example.org" not in each.recipients]


def subjects_to(smtp: ScriptedServer, address: str) -> list[str]:
    mails = [
        email.message_from_bytes(each.data, policy=policy.default) for each in smtp.taken if address in each.recipients
    ]
    return [str(each["Subject"]).partition(":")[0] for each in mails]


def invited(place: Place, smtp: ScriptedServer) -> dict[str, list[tuple[str, str]]]:
    """Invite everybody and approve the confirmation; return address → what the buttons of the mail open."""
    path = place.folder / "events" / "2020-04-16-directeurendag.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("  reminder:", "  confirmation: {send: 2020-02-17 09:00}\n  reminder:", 1), encoding="utf-8"
    )
    place.send()
    assert place.run("schedule", EVENT, "confirmation", "--yes", now="2020-02-17T12:00").code == 0
    return {each.recipients[0]: buttons(each.data) for each in smtp.taken}


def test_each_change_is_confirmed_once_on_the_next_working_morning(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = by_mail(tmp_path, smtp.port, box)
        opened = invited(place, smtp)
        kim, jan, ada = PEOPLE[0].split(";")[3], PEOPLE[1].split(";")[3], MORE[0].split(";")[3]
        subject, body = opened[kim][0]
        filled = body.replace("(ja of nee): ", "(ja of nee): ja").replace("(aantal): ", "(aantal): 1")
        box.deliver(written("gmail", kim, subject, filled, day=18).as_bytes())
        box.deliver(written("gmail", jan, *opened[jan][1], day=18).as_bytes())
        box.deliver(written("outlook", "collega@twaalf.example.org", *opened[ada][0], day=18).as_bytes())
        taken = len(of_members(smtp))
        place.run("due", now="2020-02-21T10:00")  # a Friday: read, and confirmed on the next working day
        place.run("due", now="2020-02-22T10:00")
        assert len(of_members(smtp)) == taken
        place.run("due", now="2020-02-24T08:10")
        assert subjects_to(smtp, kim) == ["Uitnodiging", "Aanmelding ontvangen"]
        assert subjects_to(smtp, jan) == ["Uitnodiging", "Afmelding ontvangen"]
        assert len(of_members(smtp)) == taken + 2  # nothing for Ada: it is not settled
        (confirmed,) = [each.data for each in of_members(smtp)[taken:] if kim in each.recipients]
        page = email.message_from_bytes(confirmed, policy=policy.default)
        plain = page.get_body(("plain",))
        assert isinstance(plain, EmailMessage)
        assert "Dit hebben we genoteerd: Inlooplunch: ja; 1 introducé." in plain.get_content()
        assert any(str(part.get_filename()).endswith(".ics") for part in page.walk())
        place.run("due", now="2020-02-24T10:00")
        place.run("due", now="2020-02-25T10:00")
        assert len(of_members(smtp)) == taken + 2
        box.deliver(written("gmail", kim, *opened[kim][1], day=25).as_bytes())
        place.run("due", now="2020-02-25T11:00")
        assert len(of_members(smtp)) == taken + 2
        place.run("due", now="2020-02-26T09:00")
        place.run("due", now="2020-02-27T09:00")
        assert subjects_to(smtp, kim) == ["Uitnodiging", "Aanmelding ontvangen", "Afmelding ontvangen"]
        undone = place.run("answers", "undo", EVENT, now="2020-02-27T10:00")
        assert "Kim Verbeek had a confirmation of it on 26 February 2020" in undone.out


def test_an_answer_that_changes_twice_is_confirmed_twice_more(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = by_mail(tmp_path, smtp.port, box)
        opened = invited(place, smtp)
        kim = PEOPLE[0].split(";")[3]
        comes, declines = opened[kim]
        lunch = (comes[0], comes[1].replace("(ja of nee): ", "(ja of nee): ja"))
        confirmed = ["Uitnodiging"]

        def is_read(day: int, *answers: tuple[str, str]) -> None:
            """Answers come in during a day: nothing is sent on that day any more."""
            for hour, each in enumerate(answers, start=10):
                box.deliver(written("gmail", kim, *each, day=day, hour=hour).as_bytes())
            for time in ("16:00", "16:40"):
                place.run("due", now=f"2020-02-{day}T{time}")
                assert subjects_to(smtp, kim) == confirmed

        def is_confirmed(day: int, subject: str) -> None:
            """A morning confirms what was read before, once."""
            confirmed.append(subject)
            for hour in ("08:10", "08:40", "16:00"):
                place.run("due", now=f"2020-02-{day}T{hour}")
                assert subjects_to(smtp, kim) == confirmed

        is_read(18, comes)
        is_confirmed(19, "Aanmelding ontvangen")
        is_read(20, declines)
        is_confirmed(21, "Afmelding ontvangen")
        is_read(22, lunch)  # a Saturday
        is_read(23)
        is_confirmed(24, "Aanmelding ontvangen")
        # Two changes in one day: the last one counts, and is the only one that is confirmed.
        is_read(25, comes, declines)
        is_confirmed(26, "Afmelding ontvangen")
        assert answers(place) == {"Kim Verbeek": "declined"}
