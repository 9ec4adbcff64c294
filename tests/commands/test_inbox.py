"""``inbox`` with a real IMAP server: what comes in counts once, and nothing in the mailbox changes."""

import csv
import email
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.delivery.certificates import make_certificate
from tests.dovecot import PASSWORD, USER, Dovecot, missing
from tests.imap_server import USUAL, ImapServer
from tests.keyboard import typed
from tests.smtp_server import DROP, ScriptedServer
from tests.workplace import MOMENT, PEOPLE, Place, Ran, a_place

EVENT = "directeurendag-2020"
REPORTS = Path(__file__).parent.parent / "responses" / "reports"
OURS = "6f0c1d2e3b4a59687786a5b4c3d2e1f0@platform.example.org"
KIM, JAN, ELS = "kim@woonstede.example.org", "jan@dehaven.example.org", "els@dehaven.example.org"
ZOE, LOU = "zoe@tien.example.org", "lou@elf.example.org"
LATER = "2020-02-19T15:00"

pytestmark = missing


def ids_of(server: ScriptedServer) -> dict[str, str]:
    return {
        each.recipients[0]: str(email.message_from_bytes(each.data)["Message-ID"]).strip("<>") for each in server.taken
    }


def reply(sender: str, about: str, text: str, subject: str = "Re: Uitnodiging", more: str = "") -> bytes:
    return (
        f"From: {sender}\nTo: secretaris@example.org\nSubject: {subject}\nMessage-ID: <{len(text)}@x.example.net>\n"
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


def codes(place: Place) -> dict[str, str]:
    place.run("answers", "list", EVENT, "--csv", str(place.folder / "lijst.csv"), now=LATER)
    with (place.folder / "lijst.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    return {row[rows[0].index("e-mail")]: row[rows[0].index("code")] for row in rows[1:]}


def with_mailbox(folder: Path, smtp: ScriptedServer, box: Dovecot, folders: str = "INBOX") -> Place:
    place = a_place(folder, smtp.port)
    place.settings(smtp.port, box.settings(place, folders))
    return place


def nothing_counts_twice(place: Place, box: Dovecot) -> None:
    """Read again, and once more after the server has given each mail another UID."""
    again = place.run("inbox", "--json", now=LATER).json
    assert (again["mails"], again["answers"], again["bounces"]) == (0, [], [])
    for each in (box.folder / "mail").rglob("dovecot-uidlist"):
        each.unlink()
    renewed = place.run("inbox", "--json", now=LATER).json
    assert (renewed["mails"], renewed["answers"], renewed["bounces"]) == (0, [], [])


def test_a_mailbox_is_read_once_and_stays_as_it_is(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box, "INBOX, Antwoorden é")
        assert place.send().code == 0
        ids = ids_of(smtp)
        code = codes(place)
        box.deliver_others(20, ids[KIM].partition("@")[2], every=4)
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
        assert "Ik kom graag" in box.answered() and "GEHEIM" not in box.answered()
        assert box.names() == before
        # Two safeguards, each of which is enough: folders opened for reading only, and mails fetched with PEEK.
        assert re.findall(r"\b(?:SELECT|STORE|EXPUNGE|COPY|MOVE|APPEND|DELETE)\b|BODY\[", box.asked()) == []
        nothing_counts_twice(place, box)
        status = place.run("status", EVENT, "--json", now=LATER).json
        assert "Ik kom graag" not in (tmp_path / "mkwmail-test.db").read_bytes().decode("latin-1")
        assert status


def test_mails_that_do_not_say_whose_answer_it_is_are_asked_about(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box)
        place.send()
        code = codes(place)
        box.deliver(token_mail(JAN, code[KIM], f"Ik kom niet [mkw-{code[KIM]}]", "Ik kom niet."))
        box.deliver(token_mail(ELS, code[ELS], f"FW: Ik kom [mkw-{code[ELS]}]", "Zie hieronder."))
        box.deliver(token_mail(ZOE, code[ZOE], f"Ik kom [mkw-{code[ZOE]}]", "Toch niet, ik ben verhinderd."))
        box.deliver(token_mail(LOU, code[LOU], f"Ik kom [mkw-{code[LOU]}]", "Ik kom."))
        box.deliver(token_mail(LOU, code[LOU], f"Ik kan er niet bij zijn [mkw-{code[LOU]}]", "", day=19))
        found = place.run("inbox", "--json", now="2020-02-20T15:00").json
        assert [each["member"] for each in found["to_look_at"]] == ["Kim Verbeek", "Els van der Ven", "Zoë Ruiter"]
        status = {
            each["member"]: each["answer"] for each in place.run("answers", "list", EVENT, "--json").json["answers"]
        }
        assert status == {"Lou 't Hart": "declined"}


def lose(smtp: ScriptedServer, place: Place, *addresses: str) -> None:
    """Lose the connection after the dot of the first members of the list, each in a run that ends with it."""
    for address in addresses:
        smtp.on("DOT", DROP, recipient=address)
        assert place.send("--limit", "1", now="2020-02-17T10:00").code == 79


def test_doubt_is_settled_by_the_sent_folder_and_by_a_reply_and_never_by_absence(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box)
        lose(smtp, place, KIM, JAN, ELS)
        place.send(now="2020-02-17T11:00")
        assert place.run("resolve", EVENT, now=LATER).code == 79
        doubtful = list(ids_of(smtp).items())[:3]
        (_first, in_sent), (second, answered), _third = doubtful
        box.deliver(f"From: secretaris@example.org\nMessage-ID: <{in_sent}>\n\nx\n".encode(), ".Verzonden")
        box.deliver(reply(second, answered, "Dank voor de uitnodiging."))
        taken = len(smtp.taken)
        ran = place.run("inbox", "--json", now=LATER)
        assert {each["found"] for each in ran.json["settled"]} == {"sent", "reply"}
        assert ran.json["in_doubt"] == 1 and len(smtp.taken) == taken
        said = place.run("resolve", EVENT, now=LATER)
        assert said.code == 79
        assert "counts as sent, it is in the folder with sent mail" in said.out
        assert "counts as sent, somebody answered it" in said.out


def test_a_trace_of_the_first_attempt_does_not_settle_the_second(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box)
        lose(smtp, place, KIM)
        assert place.run("resolve", EVENT, "--send-again", KIM, now=LATER).code == 0
        lose(smtp, place, KIM)
        (sent,) = [mail_id for address, mail_id in ids_of(smtp).items() if address == KIM]
        box.deliver(f"From: secretaris@example.org\nMessage-ID: <{sent}>\n\nx\n".encode(), ".Verzonden")
        ran = place.run("inbox", "--json", now=LATER)
        assert (ran.json["settled"], ran.json["in_doubt"]) == ([], 1)


@contextmanager
def a_server_that(says: bytes, ends: bool = True) -> Iterator[int]:
    """A server that says something, and then ends the connection or is silent."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            kept = []
            while not stop.is_set():
                try:
                    there, _address = listening.accept()
                except TimeoutError:
                    continue
                there.sendall(says)
                if ends:
                    there.close()
                kept.append(there)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listening.getsockname()[1])
        stop.set()
        thread.join()


@pytest.mark.parametrize("says", [b"", b"* BYE sorry\r\n", b"* OK hello\r\n", b"nonsense\r\n" * 3, b"\0\xff{9}\r\n"])
def test_a_bad_server_is_one_sentence_and_due_sends_all_the_same(tmp_path: Path, says: bytes) -> None:
    with ScriptedServer() as smtp, a_server_that(says) as port:
        place = a_place(tmp_path, smtp.port)
        (tmp_path / "wachtwoord").write_text("x\n")
        (tmp_path / "wachtwoord").chmod(0o600)
        mailbox = "mailbox: {{host: 127.0.0.1, port: {}, security: none, username: x, password_file: wachtwoord}}\n"
        place.settings(smtp.port, mailbox.format(port))
        assert place.run("schedule", EVENT, "invitation", "reminder", "--yes", now="2020-02-01T09:00").code == 0
        place.members()
        place.members("Kim;;Verbeek;kim@woonstede.example.org;Woonstede;directeur")
        assert place.run("due", now="2020-02-17T09:05").code == 0
        assert len(smtp.taken) >= 1
        ran = place.run("inbox", now="2020-02-17T10:00")
        assert ran.code in (69, 77), ran.err
        assert ran.err.count(f"127.0.0.1:{port}") == 1, ran.err
        due = place.run("due", now="2020-02-17T10:05")
        assert due.code in (69, 77) and not due.err.count("reminder")
        assert place.run("due", now="2020-03-23T09:05").code == 78


def fetched(mail: bytes, structure: bytes, uid: bytes = b"UID 9 ") -> dict[str, bytes]:
    """The answers about a mail, first for its headers and then for all of it."""
    head = mail.partition(b"\n\n")[0] + b"\n\n"
    headers = b"RFC822.SIZE 900 BODY[HEADER.FIELDS (SUBJECT)] {%d}\r\n%s" % (len(head), head)
    return {
        "FETCH": b"* 1 FETCH (%s%s%s)\r\nTAG OK done\r\n" % (uid, headers, structure),
        "FETCH WITHOUT": b"* 1 FETCH (%s%s)\r\nTAG OK done\r\n" % (uid, headers),
        "FETCH BODY": b"* 1 FETCH (%sBODY[] {%d}\r\n%s)\r\nTAG OK done\r\n" % (uid, len(mail), mail),
    }


@pytest.mark.parametrize(
    ("says", "code", "sentence"),
    [
        ({"LOGIN": b"TAG NO no\r\n"}, 77, "the mailbox refuses the login of x"),
        ({"LOGIN": b"TAG NO \r\n"}, 77, "the mailbox refuses the login of x"),
        ({"EXAMINE": b"TAG BAD User is authenticated but not connected.\r\n"}, 77, "the login is right, but"),
        ({"EXAMINE": b"TAG NO gone\r\n"}, 78, 'the mailbox has no folder "INBOX"'),
        ({"SEARCH": b"TAG NO no\r\n"}, 69, "the mailbox answered something that cannot be read"),
        ({"FETCH": b"TAG BAD no\r\n"}, 69, "the mailbox answered something that cannot be read"),
        ({"FETCH": b"* BYE sorry\r\n"}, 69, "the mailbox ended the connection"),
        ({"FETCH": b"* 1 FETCH (UID 9 BODY[] {50000000000}\r\n"}, 69, "the mailbox ended the connection"),
        ({"SEARCH": b"* SEARCH nine\r\nTAG OK done\r\n"}, 69, "the mailbox answered something that cannot be read"),
        ({"EXAMINE": b"TAG OK done\r\n"}, 69, "the mailbox answered something that cannot be read"),
    ],
)
def test_a_fault_halfway_is_one_sentence_and_nothing_counts_as_read(
    tmp_path: Path, says: dict[str, bytes], code: int, sentence: str
) -> None:
    with ScriptedServer() as smtp, ImapServer(says) as imap:
        place = a_place(tmp_path, smtp.port)
        place.send()
        place.settings(smtp.port, imap.settings(place))
        ran = place.run("inbox", now="2020-03-23T08:45")
        assert (ran.code, ran.err.count(sentence)) == (code, 1), ran.err
        assert len([line for line in ran.err.splitlines() if f"127.0.0.1:{imap.port}" in line]) == 1
        assert positions(tmp_path) == []
        assert place.run("schedule", EVENT, "reminder", "--yes", now="2020-03-23T08:50").code == 0
        had = len([each for each in smtp.taken if each.recipients[0] == JAN])
        assert place.run("due", now="2020-03-23T09:05").code == code
        assert len([each for each in smtp.taken if each.recipients[0] == JAN]) == had + 1
        assert positions(tmp_path) == []
        imap.says.update({**USUAL, "SEARCH": b"* SEARCH\r\nTAG OK done\r\n"})
        assert place.run("due", now="2020-03-23T09:35").code == 0
        assert positions(tmp_path) == [(7, 9)]


def positions(folder: Path) -> list[tuple[int, int]]:
    """How far the mailbox was read: validity and UID."""
    with closing(sqlite3.connect(folder / "mkwmail-test.db")) as connection:
        return connection.execute("SELECT validity, uid FROM mailbox_positions").fetchall()


class HastyPlace(Place):
    """A working folder in which the program gives the mailbox a second for everything."""

    def command(self, *words: str) -> list[str]:
        hasty = "from mkwmail.commands import due, inbox; due._MAILBOX_SECONDS = inbox._SECONDS = 1.0"
        start = f"{hasty}; from mkwmail.__main__ import main; main()"
        return [sys.executable, "-c", start, "--folder", str(self.folder), *words]

    def run(self, *words: str, now: str = MOMENT, **environment: str) -> Ran:
        return super().run(*words, now=now, **environment, LC_ALL="C.UTF-8")  # in a process of its own


@pytest.mark.parametrize("step", ["GREETING", "LOGIN", "FETCH"])
def test_a_slow_mailbox_is_one_sentence_and_due_sends_all_the_same(tmp_path: Path, step: str) -> None:
    with ScriptedServer() as smtp, ImapServer({}, slow=step) as imap:
        place = a_place(tmp_path, smtp.port)
        place.send()
        place.settings(smtp.port, imap.settings(place))
        assert place.run("schedule", EVENT, "reminder", "--yes", now="2020-03-23T08:45").code == 0
        hasty = HastyPlace(tmp_path)
        ran = hasty.run("inbox", now="2020-03-23T08:50")
        assert ran.code == 69 and ran.err.count(f"127.0.0.1:{imap.port}") == 1, ran.err
        late = "did not answer in time" if step == "GREETING" else "was not read to its end within 1 seconds"
        assert ran.err.count(late) == 1
        had = len([each for each in smtp.taken if each.recipients[0] == JAN])
        assert hasty.run("due", now="2020-03-23T09:05").code == 69
        assert len([each for each in smtp.taken if each.recipients[0] == JAN]) == had + 1
        assert positions(tmp_path) == []
        imap.slow = ""
        imap.says["SEARCH"] = b"* SEARCH\r\nTAG OK done\r\n"
        assert hasty.run("due", now="2020-03-23T09:35").code == 0
        assert positions(tmp_path) == [(7, 9)]


def test_a_folder_that_goes_away_keeps_its_place_and_nothing_counts_twice(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box, "INBOX, Weg")
        place.send()
        ids, code = ids_of(smtp), codes(place)
        box.deliver(token_mail(LOU, code[LOU], f"Ik kom [mkw-{code[LOU]}]", "Ik kom."), ".Weg")
        box.deliver(report("postfix-unknown", ids[KIM], KIM), ".Weg")
        read = place.run("inbox", "--json", now=LATER).json
        assert (len(read["answers"]), len(read["bounces"])) == (1, 1)
        before = positions(tmp_path)
        assert [uid for _validity, uid in before] == [2]  # INBOX is empty
        folder = box.folder / "mail" / ".Weg"
        folder.rename(box.folder / "weg")
        gone = place.run("inbox", now="2020-03-23T08:45")
        assert gone.code == 78 and gone.err.count('the mailbox has no folder "Weg" that can be read') == 1, gone.err
        assert place.run("schedule", EVENT, "reminder", "--yes", now="2020-03-23T08:50").code == 0
        had = len(smtp.taken)
        due = place.run("due", now="2020-03-23T09:05")
        # Kim's refused mail decides the code; the mailbox does if nothing else does.
        assert due.code == 80 and 'the mailbox has no folder "Weg" that can be read' in due.err
        taken = {each.recipients[0] for each in smtp.taken[had:]}
        assert {JAN, ELS, ZOE} <= taken and not taken & {KIM, LOU}
        assert positions(tmp_path) == before
        (box.folder / "weg").rename(folder)
        (folder / "dovecot-uidlist").unlink()
        again = place.run("inbox", "--json", now="2020-03-23T10:00")
        assert again.code == 0, again.err
        assert (again.json["mails"], again.json["answers"], again.json["bounces"]) == (0, [], [])


def test_check_tries_the_mailbox_too_and_reads_nothing(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box, "INBOX, Antwoorden é")
        place.send()
        box.deliver(reply(JAN, ids_of(smtp)[JAN], "Ik kom graag."))
        ran = place.run("check", EVENT, "--server", "--json", now=LATER)
        assert ran.code == 0 and ran.json["server"]["mailbox"] == "2 folders can be read"
        assert "FETCH" not in box.asked().upper() and "SEARCH" not in box.asked().upper()
        place.settings(smtp.port, box.settings(place, "Weg"))
        gone = place.run("check", EVENT, "--server", now=LATER)
        assert gone.code == 65 and gone.out.count('the mailbox has no folder "Weg" that can be read') == 1, gone.out
        (tmp_path / "wachtwoord").write_text("fout\n")
        refused = place.run("check", EVENT, "--server", now=LATER)
        assert refused.code == 65 and "the mailbox refuses the login of secretaris" in refused.out
    nobody = place.run("check", EVENT, now=LATER)
    assert nobody.code == 0, nobody.out


def test_a_structure_that_cannot_be_read_hides_no_mail(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, ImapServer({}) as imap:
        place = a_place(tmp_path, smtp.port)
        place.send()
        place.settings(smtp.port, imap.settings(place))
        mail = reply(JAN, ids_of(smtp)[JAN], "Ik kom graag.")
        imap.says.update(fetched(mail, b' BODYSTRUCTURE ("text" ("plain"'))
        ran = place.run("inbox", "--json", now=LATER)
        assert [each["member"] for each in ran.json["replies"]] == ["Jan de Vries"], ran.err


def test_an_answer_about_another_mail_than_was_asked_for_is_left_out(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, ImapServer({}) as imap:
        place = a_place(tmp_path, smtp.port)
        place.send()
        place.settings(smtp.port, imap.settings(place))
        mail = reply(JAN, ids_of(smtp)[JAN], "Ik kom graag.")
        for uid in (b"", b"UID 4 "):
            imap.says.update(fetched(mail, b"", uid))
            assert place.run("inbox", "--dry-run", "--json", now=LATER).json["replies"] == []


@pytest.mark.parametrize("step", ["LOGIN", "EXAMINE", "SEARCH", "FETCH"])
@pytest.mark.parametrize("word", [b"NO", b"BAD"])
def test_a_mailbox_that_asks_to_wait_is_left_alone_until_then(tmp_path: Path, step: str, word: bytes) -> None:
    throttled = b"TAG %s Server Unavailable. 15; Suggested Backoff Time: 299999 milliseconds\r\n" % word
    with ScriptedServer() as smtp, ImapServer({step: throttled}) as imap:
        place = a_place(tmp_path, smtp.port)
        place.send()
        place.settings(smtp.port, imap.settings(place))
        ran = place.run("inbox", now="2020-02-19T15:00")
        assert ran.code == 69 and "the mailbox asks to wait 300 seconds" in ran.err
        asked = len(imap.asked)
        again = place.run("inbox", now="2020-02-19T15:04")
        assert again.code == 69 and "the mailbox asked to wait until 15:05" in again.err
        assert place.run("due", now="2020-02-19T15:04").code == 69
        assert len(imap.asked) == asked and positions(tmp_path) == []
        imap.says.update({**USUAL, "SEARCH": b"* SEARCH\r\nTAG OK done\r\n"})
        assert place.run("due", now="2020-02-19T15:06").code == 0
        assert len(imap.asked) > asked and positions(tmp_path) == [(7, 9)]


@pytest.mark.parametrize("much", [b"9" * 9, b"9" * 5000])
def test_no_mailbox_can_ask_for_more_than_an_hour(tmp_path: Path, much: bytes) -> None:
    with ScriptedServer() as smtp, ImapServer({"LOGIN": b"TAG NO Backoff Time: %s milliseconds\r\n" % much}) as imap:
        place = a_place(tmp_path, smtp.port)
        place.send()
        place.settings(smtp.port, imap.settings(place))
        assert "the mailbox asks to wait 3600 seconds" in place.run("inbox", now=LATER).err


def test_a_folder_that_is_gone_and_a_refused_login_are_one_sentence(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box, "INBOX, Weg")
        place.send()
        code = codes(place)
        box.deliver(token_mail(LOU, code[LOU], f"Ik kom [mkw-{code[LOU]}]", "Ik kom."))
        gone = place.run("inbox", now=LATER)
        assert gone.code == 78 and 'the mailbox has no folder "Weg" that can be read' in gone.err
        assert "Lou 't Hart: attending" in gone.out
        # The folders after it are read all the same.
        place.settings(smtp.port, box.settings(place, "Weg, INBOX, Ook weg"))
        box.deliver(token_mail(JAN, code[JAN], f"Ik kom niet [mkw-{code[JAN]}]", "Ik kom niet."))
        behind = place.run("inbox", now=LATER)
        assert behind.code == 78 and "declined" in behind.out
        assert [f'has no folder "{name}"' in behind.err for name in ("Weg", "Ook weg")] == [True, True]
        (tmp_path / "wachtwoord").write_text("fout\n")
        refused = place.run("inbox", now=LATER)
        assert refused.code == 77 and "refuses the login of secretaris" in refused.err


@pytest.mark.parametrize("implicit", [True, False])
def test_an_authority_of_the_organisation_is_trusted_if_the_settings_name_it(tmp_path: Path, implicit: bool) -> None:
    certificate = make_certificate(tmp_path, "DNS:localhost,IP:127.0.0.1")
    with ScriptedServer() as smtp, Dovecot(certificate=certificate, implicit=implicit) as box:
        place = with_mailbox(tmp_path, smtp, box)
        place.send()
        box.deliver(reply(JAN, ids_of(smtp)[JAN], "Ik kom graag."))
        unknown = place.run("inbox", now=LATER)
        assert unknown.code == 69 and "below mailbox: a line ca_file: NAME.pem" in unknown.err
        place.settings(smtp.port, box.settings(place, more=", ca_file: server.pem"))
        assert len(place.run("inbox", "--json", now=LATER).json["replies"]) == 1
        place.write("leeg.pem", "nothing")
        place.settings(smtp.port, box.settings(place, more=", ca_file: leeg.pem"))
        empty = place.run("inbox", now=LATER)
        assert empty.code == 78 and "leeg.pem has no certificate that can be read" in empty.err


def test_forget_leaves_nothing_of_a_reply(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box)
        place.send()
        box.deliver(reply(JAN, ids_of(smtp)[JAN], "Ik bel je nog even."))
        assert len(place.run("inbox", "--json", now=LATER).json["replies"]) == 1
        place.members(*(row for row in PEOPLE if JAN not in row))
        assert place.run("forget", JAN, "--yes", now=LATER).code == 0
        assert place.run("inbox", "--json", now=LATER).json["replies"] == []
        assert "19@x.example.net" not in (tmp_path / "mkwmail-test.db").read_bytes().decode("latin-1")


def test_purge_leaves_nothing_of_a_reply(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box)
        place.send()
        code = codes(place)
        box.deliver(reply(JAN, ids_of(smtp)[JAN], "Ik bel je nog even."))
        box.deliver(token_mail("ander@elders.example.net", code[KIM], f"Ik kom [mkw-{code[KIM]}]", "Ik kom."))
        assert len(place.run("inbox", "--json", now=LATER).json["replies"]) == 1
        assert b"19@x.example.net" in (tmp_path / "mkwmail-test.db").read_bytes()
        purged = place.run("purge", EVENT, "--yes", now="2021-06-01T10:00")
        assert purged.code == 0, purged.err
        kept = (tmp_path / "mkwmail-test.db").read_bytes().decode("latin-1")
        assert [each for each in ("19@x.example.net", "ander@elders") if each in kept] == []
        again = place.run("inbox", "--json", now="2021-06-01T10:30")
        assert again.json["replies"] == [] and again.json["to_look_at"] == []


def test_doubt_is_settled_by_a_report_and_nobody_is_mailed(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box)
        place.members(*PEOPLE[::2], *PEOPLE[1::2])
        lose(smtp, place, KIM, ELS)
        place.send(now="2020-02-17T11:00")
        assert place.run("resolve", EVENT, now=LATER).code == 79
        box.deliver(report("postfix-unknown", ids_of(smtp)[KIM], KIM))
        box.deliver(report("postfix-delayed", ids_of(smtp)[ELS], ELS))
        taken = len(smtp.taken)
        ran = place.run("inbox", "--json", now=LATER).json
        assert [each["found"] for each in ran["settled"]] == ["report"] and ran["in_doubt"] == 0
        assert [each["verdict"] for each in ran["bounces"]] == ["failed", "delayed"]
        # It did not arrive: that is more than that it was sent.
        (round_,) = place.run("status", EVENT, "--json", now=LATER).json["rounds"]
        assert [each["member"] for each in round_["refused"]] == ["Kim Verbeek"]
        assert len(smtp.taken) == taken
        said = place.run("resolve", EVENT, now=LATER)
        assert said.code == 80 and "Els van der Ven: was in doubt and counts as sent, a delivery report" in said.out


def test_of_three_in_doubt_two_are_in_sent(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box)
        lose(smtp, place, KIM, JAN, ELS)
        place.send(now="2020-02-17T11:00")
        ids = ids_of(smtp)
        for address in (KIM, JAN):
            sent = f"From: secretaris@example.org\nTo: {address}\nMessage-ID: <{ids[address]}>\n\nx\n"
            box.deliver(sent.encode(), ".Verzonden")
        taken = len(smtp.taken)
        ran = place.run("inbox", "--json", now=LATER).json
        assert [each["found"] for each in ran["settled"]] == ["sent", "sent"] and ran["in_doubt"] == 1
        place.run("due", now=LATER)
        place.send(now=LATER)
        assert [each.recipients for each in smtp.taken[taken:] if each.recipients[0] in (KIM, JAN, ELS)] == []


def test_a_password_for_the_mailbox_is_asked_for_tried_and_kept(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = a_place(tmp_path, smtp.port)
        place.settings(smtp.port, box.settings(place).replace(" password_file: wachtwoord,", ""))
        place.send()
        box.deliver(reply(JAN, ids_of(smtp)[JAN], "Ik kom graag."))
        nobody = place.run("inbox", now=LATER)
        assert nobody.code == 78 and "store it once with mkwmail login --mailbox" in nobody.err
        question = f"The password of {USER} at 127.0.0.1"
        for word, code in (("fout", 77), (PASSWORD.replace(" ", "_"), 0)):
            ended, screen = typed(
                place.command("login", "--mailbox"), place.environment(LATER), tmp_path, [(question, word)]
            )
            assert ended == code, screen
            seen = " ".join(screen.split())
            assert (
                "This login allows reading, changing and deleting all mail of the mailbox" in seen and word not in seen
            )
        assert f"Logged in to the mailbox at 127.0.0.1 as {USER}; no mail was read." in seen
        assert "Ik kom graag" not in box.answered()
        assert len(place.run("inbox", "--json", now=LATER).json["replies"]) == 1


def test_replies_are_answered_one_by_one_and_their_words_are_kept_nowhere(tmp_path: Path) -> None:
    with ScriptedServer() as smtp, Dovecot() as box:
        place = with_mailbox(tmp_path, smtp, box)
        place.send()
        ids = ids_of(smtp)
        box.deliver(reply(JAN, ids[JAN], "Leuk, ik ben erbij!\x1b[2J"))
        box.deliver(reply(ELS, ids[ELS], "Heb je de agenda van vorige keer nog?"))
        box.deliver(reply(ZOE, ids[ZOE], "Dat hoor je nog van me."))
        assert len(place.run("inbox", "--json", now=LATER).json["replies"]) == 3
        assert "To read 3 replies: mkwmail inbox directeurendag-2020" in place.run("status", EVENT, now=LATER).out

        def decide(seen: str) -> str:
            last = seen.rpartition("/3  ")[2]
            return "y" if "erbij" in last else "x" if "agenda" in last else ""

        code, screen = typed(
            place.command("inbox", EVENT),
            place.environment(LATER),
            tmp_path,
            [("later:", decide)] * 3,
        )
        assert code == 0, screen
        assert "/3  Jan de Vries, " in screen and "Leuk, ik ben erbij!" in screen
        assert "\x1b[2J" not in screen
        listed = place.run("answers", "list", EVENT, "--json", now=LATER).json["answers"]
        assert {each["member"]: each["answer"] for each in listed} == {"Jan de Vries": "attending"}
        left = place.run("inbox", "--json", now=LATER).json["replies"]
        assert [each["member"] for each in left] == ["Zoë Ruiter"]
        assert b"Leuk, ik ben" not in (tmp_path / "mkwmail-test.db").read_bytes()
