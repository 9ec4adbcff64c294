"""``inbox`` with a real IMAP server: what comes in counts once, and nothing in the mailbox changes."""

import email
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dovecot import Dovecot, missing
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, a_place

EVENT = "directeurendag-2020"
REPORTS = Path(__file__).parent.parent / "responses" / "reports"
OURS = "6f0c1d2e3b4a59687786a5b4c3d2e1f0@platform.example.org"
KIM, JAN, ELS = "kim@woonstede.example.org", "jan@dehaven.example.org", "els@dehaven.example.org"
ZOE, LOU = "zoe@tien.example.org", "lou@elf.example.org"
LATER = "2020-02-19T15:00"

pytestmark = missing


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot() as server:
        yield server


def ids_of(server: ScriptedServer) -> dict[str, str]:
    return {
        each.recipients[0]: str(email.message_from_bytes(each.data)["Message-ID"]).strip("<>") for each in server.taken
    }


def reply(sender: str, about: str, text: str, subject: str = "Re: Uitnodiging", more: str = "") -> bytes:
    return (
        f"From: {sender}\nTo: secretaris@example.org\nSubject: {subject}\nMessage-ID: <{abs(hash(text))}@x.example.net>\n"
        f"Date: Tue, 18 Feb 2020 10:00:00 +0100\nIn-Reply-To: <{about}>\n{more}"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    ).encode()


def report(name: str, message_id: str, address: str) -> bytes:
    text = (REPORTS / f"{name}.eml").read_text(encoding="utf-8")
    return text.replace(OURS, message_id).replace("k.jansen@huis.example.net", address).encode()


def token_mail(sender: str, code: str, subject: str, text: str, day: int = 18) -> bytes:
    return (
        f"From: {sender}\nTo: secretaris@example.org\nSubject: {subject}\nMessage-ID: <{code}{day}@x.example.net>\n"
        f"Date: Tue, {day} Feb 2020 10:00:00 +0100\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    ).encode()


def others(server: Dovecot, domain: str, count: int = 20) -> None:
    for number in range(count):
        about = f"In-Reply-To: <{number}@{domain}>\nReferences: <{number}@{domain}>\n" if number % 4 == 0 else ""
        server.deliver(
            f"From: x{number}@example.net\nSubject: Lunch?\nMessage-ID: <o{number}@example.net>\n{about}"
            f"Date: Tue, 18 Feb 2020 10:00:00 +0100\nContent-Type: multipart/mixed; boundary=b\n\n"
            f"--b\nContent-Type: text/plain\n\nGEHEIM {number}\n--b--\n".encode()
        )


def codes(place: Place) -> dict[str, str]:
    listed = place.run("answers", "list", EVENT, "--json", now=LATER).json
    return {each["address"]: each["code"] for each in listed["answers"]}


def test_a_mailbox_is_read_once_and_stays_as_it_is(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = a_place(tmp_path, smtp.port)
        place.settings(smtp.port, box.settings(place, "INBOX, Antwoorden é"))
        assert place.send().code == 0
        ids = ids_of(smtp)
        code = codes(place)
        others(box, ids[KIM].partition("@")[2])
        box.deliver(report("postfix-unknown", ids[KIM], KIM))
        box.deliver(reply(JAN, ids[JAN], "Ik kom graag, tot dan."))
        box.deliver(
            reply(ELS, ids[ELS], "Ik ben er niet.", "Automatisch antwoord: x", "Auto-Submitted: auto-replied\n")
        )
        box.deliver(token_mail(ZOE, code[ZOE], f"Ik kom niet: Directeurendag [mkw-{code[ZOE]}]", "Ik kom niet."))
        box.deliver(token_mail(LOU, code[LOU], "iets anders", f"Ik kom.\n\n[mkw-{code[LOU]}]"), ".Antwoorden &AOk-")
        before = box.names()
        dry = place.run("inbox", "--dry-run", "--json", now=LATER)
        assert dry.code == 0, dry.err
        ran = place.run("inbox", "--json", now=LATER)
        assert ran.code == 0, ran.err
        found = ran.json
        assert {(each["member"], each["answer"]) for each in found["answers"]} == {
            ("Zoë Ruiter", "declined"),
            ("Lou 't Hart", "attending"),
        }
        assert {key: value for key, value in dry.json.items() if key != "replies"} == {
            key: value for key, value in found.items() if key != "replies"
        }
        assert [each["member"] for each in found["bounces"]] == ["Kim Verbeek"]
        assert found["automatic"] == 1 and [each["member"] for each in found["replies"]] == ["Jan de Vries"]
        assert "GEHEIM" not in box.answered()
        assert box.names() == before
        again = place.run("inbox", "--json", now=LATER).json
        assert (again["mails"], again["answers"], again["bounces"]) == (0, [], [])
        for each in (box.folder / "mail").rglob("dovecot-uidlist"):
            each.unlink()
        renewed = place.run("inbox", "--json", now=LATER).json
        assert (renewed["mails"], renewed["answers"], renewed["bounces"]) == (0, [], [])
        status = place.run("status", EVENT, "--json", now=LATER).json
        assert "Ik kom graag" not in (tmp_path / "mkwmail-test.db").read_bytes().decode("latin-1")
        assert status
