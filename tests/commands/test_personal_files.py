"""Attachments of which each member has their own, as the secretary sends them."""

import email
import email.policy
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.smtp_server import ScriptedServer, Taken
from tests.workplace import Place, a_place

EVENT = "directeurendag-2020"
HEADINGS = "voornaam;achternaam;e-mail;organisatie;lidnummer;bestand"
PEOPLE = (
    "Kim;Verbeek;kim@example.org;Woonstede;0011;brieven/0011.pdf",
    "Jan;Vries;jan@example.org;De Haven;0012;brieven/0012.pdf",
    "Els;Ven;els@example.org;De Haven;0013;brieven/Els Één.pdf",
)


def a_file(number: str) -> bytes:
    return f"%PDF-1.4 brief van {number}\n".encode() * 20


def with_files(folder: Path, port: int = 9, rule: str = '["brieven/{lidnummer}.pdf"]') -> Place:
    """A folder whose invitation has a letter for each of three members."""
    place = a_place(folder, port)
    place.members(*PEOPLE, headings=HEADINGS)
    event = next((place.folder / "events").glob("*.yaml"))
    text = event.read_text().replace("send: 2020-02-17 09.00", f"send: 2020-02-17 09.00\n    attachments: {rule}")
    event.write_text(text)
    for number in ("0011", "0012", "0013"):
        path = place.folder / "events" / "brieven" / f"{number}.pdf"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(a_file(number))
    return place


def parsed(data: bytes) -> EmailMessage:
    mail = email.message_from_bytes(data, _class=EmailMessage, policy=email.policy.default)
    assert not [part.defects for part in mail.walk() if part.defects]
    return mail


def files(mail: EmailMessage) -> dict[str, bytes]:
    found = {}
    for part in mail.walk():
        if part.get_content_disposition() == "attachment" and part.get_filename() != "invite.ics":
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            found[part.get_filename() or ""] = data
    return found


def taken(server: ScriptedServer) -> Mapping[str, Taken]:
    found = {each.recipients[0]: each for each in server.taken}
    assert len(found) == len(server.taken), "somebody was mailed twice"
    return found


@pytest.mark.parametrize("told", [True, False])
def test_a_file_too_large_for_the_server_keeps_only_its_own_member_from_the_mail(tmp_path: Path, told: bool) -> None:
    with ScriptedServer(extensions=("SIZE 99999",) if told else ()) as server:
        server.on("DOT", "552 5.3.4 too big", recipient="kim@example.org")
        place = with_files(tmp_path, server.port)
        (tmp_path / "events" / "brieven" / "0011.pdf").write_bytes(a_file("0011") * 250)
        ran = place.send()
        assert {"jan@example.org", "els@example.org"} <= set(taken(server))
    summary = json.loads(ran.out)
    assert (ran.code, summary["sent"], len(summary["refused"])) == (80, 2, 1)
    assert "5.3.4" in summary["refused"][0]["reason"]


def test_each_member_gets_their_own_file_and_nobody_elses(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_files(tmp_path, server.port)
        ran = place.send()
        assert ran.code == 0, ran.err
        mails = {address: parsed(each.data) for address, each in taken(server).items()}
    for number, name in (("0011", "kim"), ("0012", "jan"), ("0013", "els")):
        mail = mails[f"{name}@example.org"]
        assert files(mail) == {f"{number}.pdf": a_file(number)}
        text = mail.get_body(("plain",))
        assert text is not None and f"Bijlage: {number}.pdf" in text.get_content()
    own = hashlib.sha256(a_file("0012")).hexdigest()
    told = place.run("about", "jan@example.org").out
    assert f"SHA-256 {own}" in told and "attachments: 0012.pdf" in told and "0011" not in told
    # Years later, after the files have gone, it is shown to the byte what a member was sent.
    for path in (place.folder / "events" / "brieven").iterdir():
        path.unlink()
    shown = place.run(
        "preview", EVENT, "invitation", "--sent", "--member", "jan@example.org", "--eml", str(tmp_path / "eml")
    )
    assert shown.code == 0, shown.err
    (kept,) = (tmp_path / "eml").glob("*.eml")
    assert kept.read_bytes() == taken(server)["jan@example.org"].data


@pytest.mark.parametrize(
    ("rule", "spoil", "sentence"),
    [
        (
            '["brieven/{lidnummer}.pdf"]',
            lambda place: (place / "events/brieven/0012.pdf").unlink(),
            'leden.csv:3: attachments: there is no file "0012.pdf" in events/brieven (for Jan Vries)',
        ),
        (
            '["brieven/{nummer bij ons}.pdf"]',
            lambda place: None,
            'attachments use',
        ),
        (
            "{column: bestand}",
            lambda place: None,
            'leden.csv:4: attachments: there is no file "Els Één.pdf" in events/brieven (for Els Ven)',
        ),
        (
            "{column: bestand, optional: true}",
            lambda place: None,
            'leden.csv:4: attachments: there is no file "Els Één.pdf" in events/brieven (for Els Ven)',
        ),
        (
            '["../{lidnummer}.pdf"]',
            lambda place: None,
            'there is no file "0011.pdf" in events/.. (for Kim Verbeek)',
        ),
        (
            '["../../{lidnummer}.pdf"]',
            lambda place: (place.parent / "0011.pdf").write_bytes(b"%PDF"),
            '"../../0011.pdf" lies outside the working folder, so it is not mailed (for Kim Verbeek)',
        ),
        (
            '["/etc/{lidnummer}"]',
            lambda place: None,
            '"/etc/0011" must be relative to the folder of the event file',
        ),
        (
            '["brieven/{lidnummer}.pdf"]',
            lambda place: link(place / "events/brieven/0011.pdf", place.parent / "secret.txt"),
            '"brieven/0011.pdf" lies outside the working folder, so it is not mailed (for Kim Verbeek)',
        ),
        (
            '["brieven/{lidnummer}.pdf"]',
            lambda place: link(place / "events/brieven/0011.pdf", place / "leden.csv"),
            '"brieven/0011.pdf" is not mailed: this is the member list of this folder (for Kim Verbeek)',
        ),
        (
            '["brieven/{lidnummer}.pdf"]',
            lambda place: folder_instead(place / "events/brieven/0011.pdf"),
            'there is no file "0011.pdf" in events/brieven (for Kim Verbeek)',
        ),
        (
            '["brieven/{lidnummer}.pdf"]',
            lambda place: (place / "events/brieven/0011.pdf").write_bytes(bytes(40_000_000)),
            '"brieven/0011.pdf" is 40.0 MB, and a mail can carry at most 10 MB (for Kim Verbeek)',
        ),
        (
            '["brieven/{lidnummer}.pdf"]',
            lambda place: (place / "events/brieven/0011.pdf").write_bytes(b""),
            '"brieven/0011.pdf" is an empty file (for Kim Verbeek)',
        ),
        (
            '["brieven/{organisatie}.pdf"]',
            lambda place: of_organisations(place / "events/brieven"),
            'leden.csv:4: attachments: "brieven/De Haven.pdf" is the file of Jan Vries too (for Els Ven)',
        ),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_mailed_is_one_sentence_and_nobody_is_mailed(
    tmp_path: Path, rule: str, spoil: Callable[[Path], object], sentence: str
) -> None:
    with ScriptedServer() as server:
        place = with_files(tmp_path / "work", server.port, rule)
        spoil(place.folder)
        checked = place.run("check", EVENT)
        assert checked.code == 65 and checked.out.replace("\n    ", " ").count(sentence) == 1, checked.out
        assert sentence in place.send().err and not server.taken


def of_organisations(brieven: Path) -> None:
    for name in ("Woonstede", "De Haven"):
        (brieven / f"{name}.pdf").write_bytes(b"%PDF")


def link(path: Path, to: Path) -> None:
    path.unlink()
    to.touch()
    path.symlink_to(to)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_a_value_cannot_lead_to_another_folder(tmp_path: Path) -> None:
    place = with_files(tmp_path)
    place.members("Kim;Verbeek;kim@example.org;Woonstede;../0011;", headings=HEADINGS)
    assert '"../0011" cannot be part of the name of a file (for Kim Verbeek)' in place.run("check", EVENT).out


def test_optional_files_files_for_several_and_files_of_nobody(tmp_path: Path) -> None:
    rule = '[{file: "brieven/{lidnummer}.pdf", optional: true}, {file: "brieven/{organisatie}.pdf", for_several: ja}]'
    with ScriptedServer() as server:
        place = with_files(tmp_path, server.port, rule)
        brieven = place.folder / "events" / "brieven"
        (brieven / "0012.pdf").rename(brieven / "0099.pdf")
        for name in ("Woonstede", "De Haven"):
            (brieven / f"{name}.pdf").write_bytes(name.encode())
        checked = place.run("check", EVENT)
        assert checked.code == 0, checked.out
        assert "belongs to nobody: 0099.pdf" in checked.out
        proposed = place.run("send", EVENT, "invitation", "--dry-run")
        assert "belongs to nobody: 0099.pdf" in proposed.out
        # What is for one person is not said of all of them.
        head = proposed.out.partition("Per person")[0]
        assert "invite.ics" in head and "0011.pdf" not in head
        assert place.send().code == 0
        mails = {address: parsed(each.data) for address, each in taken(server).items()}
    assert files(mails["kim@example.org"]).keys() == {"0011.pdf", "Woonstede.pdf"}
    assert files(mails["jan@example.org"]) == {"De Haven.pdf": b"De Haven"}
    assert files(mails["els@example.org"]) == {"0013.pdf": a_file("0013"), "De Haven.pdf": b"De Haven"}


def test_a_file_changed_after_the_approval_stops_due(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_files(tmp_path, server.port)
        assert place.run("schedule", EVENT, "invitation", "--yes", now="2020-02-10T10:00").code == 0
        (place.folder / "events" / "brieven" / "0012.pdf").write_bytes(a_file("0012") + b"changed")
        told = place.run("due", now="2020-02-17T09:30")
        assert told.code == 78 and "brieven/0012.pdf" in told.err, told.err
        assert not [each for each in server.taken if each.recipients[0] != "secretaris@example.org"]
        # Another order of the list, and a file of nobody, are no change.
        (place.folder / "events" / "brieven" / "0012.pdf").write_bytes(a_file("0012"))
        place.members(*reversed(PEOPLE), headings=HEADINGS)
        assert place.run("due", now="2020-02-17T09:45").code == 0
        assert len({each.recipients[0] for each in server.taken} - {"secretaris@example.org"}) == 3


def test_a_file_for_a_new_member_is_no_earlier_text_for_the_others(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_files(tmp_path, server.port)
        assert place.send().code == 0
        place.members(*PEOPLE, "Piet;Nieuw;piet@example.org;De Haven;0014;", headings=HEADINGS)
        (place.folder / "events" / "brieven" / "0014.pdf").write_bytes(a_file("0014"))
        proposed = place.run("send", EVENT, "invitation", "--dry-run")
        assert "To 1 member: Piet Nieuw" in " ".join(proposed.out.split())
        assert "earlier text" not in proposed.out and "has changed" not in proposed.out
        (place.folder / "events" / "brieven" / "0012.pdf").write_bytes(b"%PDF-1.7 another")
        proposed = place.run("send", EVENT, "invitation", "--dry-run")
        assert "earlier text" not in proposed.out and "-brieven/0012.pdf" in proposed.out
        assert place.send().code == 0
        assert files(parsed(taken(server)["piet@example.org"].data)).keys() == {"0014.pdf"}


def test_an_assistant_gets_no_file_of_a_member(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_files(tmp_path, server.port)
        rows = [f"{row};{'els.smit@example.org' * (number == 0)}" for number, row in enumerate(PEOPLE)]
        place.members(*rows, headings=f"{HEADINGS};kopie aan")
        assert place.run("check", EVENT).code == 0
        ran = place.send()
        assert ran.code == 0, ran.err
        copy = parsed(taken(server)["els.smit@example.org"].data)
    assert files(copy) == {} and copy.get_content_type() == "multipart/mixed"
    assert b"0011" not in taken(server)["els.smit@example.org"].data


def test_a_retry_sends_the_same_bytes(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("DOT", "451 4.7.1 later", recipient="jan@example.org")
        place = with_files(tmp_path, server.port)
        assert place.send().code == 75
        server.off("DOT")
        assert place.send(now="2020-02-17T12:00").code == 0
        first, second = (each.data for each in server.taken if "jan@example.org" in each.recipients)
        assert first == second and files(parsed(first)) == {"0012.pdf": a_file("0012")}
    with sqlite3.connect(place.folder / "mkwmail-test.db") as ledger:
        digests = {row[0] for row in ledger.execute("SELECT sha256 FROM attempts WHERE address = 'jan@example.org'")}
        kept = {row[0] for row in ledger.execute("SELECT sha256 FROM files")}
    assert len(digests) == 1 and hashlib.sha256(a_file("0012")).hexdigest() in kept


def test_who_is_forgotten_leaves_no_file_behind(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = with_files(tmp_path, server.port)
        place.send()
    assert place.run("forget", "jan@example.org", "--yes").code == 0
    with sqlite3.connect(place.folder / "mkwmail-test.db") as ledger:
        assert ledger.execute("SELECT count(*) FROM files").fetchone() == (2,)
        assert place.run("purge", EVENT, "--yes", now="2022-01-01T09:00").code == 0
        assert ledger.execute("SELECT count(*) FROM files").fetchone() == (0,)


def test_preview_and_page_show_the_file_of_each(tmp_path: Path) -> None:
    place = with_files(tmp_path)
    shown = place.run("preview", EVENT, "invitation", "--member", "jan@example.org")
    assert "0012.pdf (1 kB)" in shown.out
    page = tmp_path / "page.html"
    assert place.run("preview", EVENT, "invitation", "--html", str(page)).code == 0
    assert '[["0012.pdf","application/pdf","1 kB"]]' in page.read_text(encoding="utf-8")
    wrong = place.run("schedule", EVENT, "thanks", "--yes", now="2020-02-10T10:00")
    assert wrong.code == 0, wrong.err
