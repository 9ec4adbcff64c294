"""The whole program, as a secretary or cron runs it, against real servers on loopback."""

import hashlib
import re
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.smtp_server import DROP, Call, ScriptedServer
from tests.workplace import EVENT, HEADINGS, MOMENT, PEOPLE, ROOT, Place, a_place

ADDRESSES = tuple(row.split(";")[3] for row in PEOPLE)
KIM, JAN, ELS, ZOE, LOU = ADDRESSES


@pytest.fixture
def place(tmp_path: Path, server: ScriptedServer) -> Place:
    return a_place(tmp_path, server.port)


def _received(server: ScriptedServer) -> list[int]:
    return [server.bodies_of(address) for address in ADDRESSES]


def test_each_member_gets_one_message_and_a_second_run_sends_none(place: Place, server: ScriptedServer) -> None:
    first = place.send()
    assert (first.code, first.json["sent"]) == (0, 5)
    assert _received(server) == [1, 1, 1, 1, 1]
    assert all(len(taken.recipients) == 1 for taken in server.taken)
    again = place.run("send", "directeurendag-2020", "invitation", "--yes")
    assert again.code == 0
    assert "everybody already had the invitation" in again.out
    assert len(server.taken) == 5


def test_the_summary_says_what_a_plan_made_afresh_says(place: Place, server: ScriptedServer) -> None:
    server.on("RCPT", "451 4.2.1 later", recipient=KIM)
    server.on("RCPT", "550 5.1.1 no such user", recipient=ELS)
    server.on("DOT", DROP, recipient=ZOE)
    dead = "Bo;;Ruis;bo@twaalf.example.org;Twaalf;lid;met pensioen"
    place.members(*(f"{row};" for row in PEOPLE), dead, headings=f"{HEADINGS};niet mailen")
    sent = place.send()
    assert sent.json["sent"] == 2 and sent.json["deferred"] and sent.json["refused"] and sent.json["in_doubt"]
    afresh = place.run("send", "directeurendag-2020", "invitation", "--dry-run", "--json")
    for what in ("waiting", "deferred", "refused", "in_doubt", "skipped"):
        assert sent.json[what] == afresh.json[what], what


def test_every_message_is_what_mail_programs_expect(place: Place, server: ScriptedServer) -> None:
    place.send()
    for taken in server.taken:
        assert taken.data.isascii()
        message = message_from_bytes(taken.data, policy=policy.default)
        assert [part.defects for part in message.walk()] == [[]] * len(list(message.walk()))
        assert message["To"].addresses[0].addr_spec == taken.recipients[0]
        assert message["From"].addresses[0].addr_spec == taken.sender == "secretaris@example.org"
        assert message["Cc"] is None and message["Bcc"] is None
        assert re.fullmatch(r"<[0-9a-f]+@example\.org>", message["Message-ID"])
        # The clock is set to nine o'clock and goes on from there.
        assert 0 <= (message["Date"].datetime - datetime.fromisoformat(MOMENT + "+01:00")).total_seconds() < 60
        head = taken.data.split(b"\r\n\r\n", 1)[0]
        assert all(len(line) <= 998 for line in head.split(b"\r\n"))
        identifiers = re.findall(rb"(?im)^(?:message-id|list-unsubscribe|references|in-reply-to):[^\r]*", head)
        assert identifiers and not any(b"=?" in field for field in identifiers)


def test_preview_shows_the_bytes_that_are_sent(place: Place, server: ScriptedServer) -> None:
    previewed = place.run("preview", "directeurendag-2020", "invitation", "--eml", str(place.folder / "mails"))
    assert previewed.code == 0
    place.send()
    shown = {_without_dates(path.read_bytes()) for path in (place.folder / "mails").glob("*.eml")}
    assert shown == {_without_dates(taken.data) for taken in server.taken}


# The head of the attached calendar file.
_ENTRY_FILE = rb'Content-Type: (?:application/ics|text/calendar[^\r\n]*name="invite\.ics")'


def _without_dates(mail: bytes) -> bytes:
    # The calendar's DTSTAMP is in quoted-printable if it is an alternative, and in the base64 of its file.
    calendar, *_rest = re.split(_ENTRY_FILE, mail)
    return re.sub(rb"(?m)^(Date: |DTSTAMP:).*$", b"", calendar)


def test_what_a_member_was_sent_can_be_shown_to_the_byte_when_everything_has_changed(
    place: Place, server: ScriptedServer
) -> None:
    place.send()
    (was_sent,) = [taken.data for taken in server.taken if taken.recipients == (ZOE,)]
    place.write("templates/signature.md", "Heel andere groet")
    place.members(*PEOPLE[:1])
    (place.folder / "events" / EVENT.name).unlink()
    words = ("preview", "directeurendag-2020", "invitation", "--member", "Zoë Ruiter", "--sent")
    assert place.run(*words, "--eml", str(place.folder / "sent")).code == 0
    (shown,) = (place.folder / "sent").glob("*.eml")
    assert shown.read_bytes() == was_sent
    assert "Beste Zoë" in place.run(*words).out


def test_a_copy_that_is_not_what_was_sent_is_not_shown(place: Place) -> None:
    place.send()
    with closing(sqlite3.connect(place.folder / "mkwmail-test.db")) as ledger, ledger:
        ledger.execute("UPDATE attempts SET sha256 = ?", (hashlib.sha256(b"").hexdigest(),))
    ran = place.run("preview", "directeurendag-2020", "invitation", "--member", "Zoë Ruiter", "--sent")
    assert ran.code == 74 and "is not what was sent" in ran.err


def test_one_deferred_and_one_refused_do_not_stop_the_others(place: Place, server: ScriptedServer) -> None:
    server.on("RCPT", "451 4.2.0 greylisted", recipient=KIM, times=1)
    server.on("RCPT", "550 5.1.1 unknown user", recipient=ELS)
    first = place.send()
    assert first.code == 80
    assert [each["address"] for each in first.json["deferred"]] == [KIM]
    assert [each["address"] for each in first.json["refused"]] == [ELS]
    assert "unknown user" in first.json["refused"][0]["reason"]
    assert _received(server) == [0, 1, 0, 1, 1]

    at_once = place.send()
    assert at_once.json["sent"] == 0
    assert _received(server) == [0, 1, 0, 1, 1]

    later = place.send(now="2020-02-17T10:00")
    assert later.json["sent"] == 1
    assert _received(server) == [1, 1, 0, 1, 1]


def test_421_in_the_middle_reconnects(place: Place, server: ScriptedServer) -> None:
    server.on("MAIL", "421 4.3.2 closing", times=1, skip=2)
    ran = place.send()
    assert (ran.code, ran.json["sent"]) == (0, 5)
    assert _received(server) == [1, 1, 1, 1, 1]


@pytest.mark.long
def test_a_drop_before_the_dot_is_sent_again_and_one_after_it_is_in_doubt(place: Place, server: ScriptedServer) -> None:
    server.on("DATA", DROP, recipient=JAN, times=1)
    server.on("DOT", DROP, recipient=ZOE, times=1)
    ran = place.send()
    assert ran.code == 79
    assert [each["address"] for each in ran.json["in_doubt"]] == [ZOE]
    assert _received(server) == [1, 1, 1, 1, 1]

    again = place.send(now="2020-02-18T09:00")
    assert again.json["sent"] == 0
    assert server.bodies_of(ZOE) == 1
    resolved = place.run("resolve", "directeurendag-2020", "--send-again", ZOE)
    assert resolved.code == 0
    assert place.send(now="2020-02-18T10:00").json["sent"] == 1


def test_a_refused_login_stops_before_the_first_member(tmp_path: Path) -> None:
    with ScriptedServer(users={"lilian": "goed"}) as server:
        place = a_place(tmp_path)
        place.settings(server.port)
        text = (tmp_path / "mkwmail.yaml").read_text().replace("security: none", "security: none, username: lilian")
        place.write("mkwmail.yaml", text)
        refused = place.run(
            *("send", "directeurendag-2020", "invitation", "--yes"), MKWMAIL_SMTP_PASSWORD="verkeerd-wachtwoord"
        )
        assert refused.code == 77
        assert "verkeerd" not in refused.out + refused.err
        assert not server.said("MAIL")
        sent = place.run("send", "directeurendag-2020", "invitation", "--yes", MKWMAIL_SMTP_PASSWORD="goed")
        assert sent.code == 0
        assert len(server.taken) == 5


def test_a_server_that_refuses_everyone_refuses_nobody(place: Place, server: ScriptedServer) -> None:
    server.on("RCPT", "554 5.7.1 relay access denied", times=3)
    ran = place.send()
    assert ran.code == 69
    assert ran.json["refused"] == []
    assert ran.json["sent"] == 0 and ran.json["waiting"] == 5
    assert "relay access denied" in str(ran.json["faults"])
    assert place.send().json["sent"] == 5


def test_two_runs_at_once_the_second_says_who_holds_the_ledger(place: Place, server: ScriptedServer) -> None:
    second: list[tuple[int, str]] = []

    def run_again() -> None:
        ran = place.run("send", "directeurendag-2020", "invitation", "--yes")
        second.append((ran.code, ran.err))

    server.on("DOT", Call(run_again), times=1)
    first = place.send()
    assert (first.code, first.json["sent"]) == (0, 5)
    ((code, words),) = second
    assert code == 73
    assert "send directeurendag-2020" in words
    assert _received(server) == [1, 1, 1, 1, 1]


def test_a_list_exported_again_mails_exactly_the_new_ones(place: Place, server: ScriptedServer) -> None:
    place.send()
    kim, jan, els, zoe, lou = PEOPLE
    numbered = [f"{number};{row}" for number, row in enumerate((zoe, lou, els, jan), start=1)]
    corrected = f"9;{kim}".replace(KIM, "kim.verbeek@woonstede.example.org")
    new = ["10;Ad;;Nieuw;ad@nieuw.example.org;Nieuw;lid", "11;Bo;;Nieuw;bo@nieuw.example.org;Nieuw;lid"]
    place.members(
        new[0],
        *numbered,
        corrected,
        new[1],
        headings="lidnummer;voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie",
    )
    again = place.send()
    assert (again.code, again.json["sent"]) == (0, 2)
    assert sorted(taken.recipients[0] for taken in server.taken[5:]) == ["ad@nieuw.example.org", "bo@nieuw.example.org"]


def test_a_template_that_fails_for_one_member_mails_nobody(place: Place, server: ScriptedServer) -> None:
    place.write(
        "templates/invitation.md",
        "---\nsubject: x\npreheader: y\n---\n{% if member.first_name == 'Zoë' %}{{ member.onbekend }}{% endif %}\n",
    )
    ran = place.run("send", "directeurendag-2020", "invitation", "--yes")
    assert ran.code == 65
    assert "templates/invitation.md:5" in ran.err and "Zoë Ruiter" in ran.err
    assert not server.connections


def test_ten_faults_in_the_event_mail_nobody_and_are_all_named(place: Place, server: ScriptedServer) -> None:
    faulty = ROOT / "tests" / "config" / "data" / "ten-faults.yaml"
    place.write(f"events/{EVENT.name}", faulty.read_text(encoding="utf-8"))
    ran = place.run("send", str(place.folder / "events" / EVENT.name), "invitation", "--yes")
    assert ran.code == 65
    assert len(re.findall(rf"(?m)^events/{EVENT.name}:\d+:\d+: ", ran.err)) >= 10
    assert not server.connections


def test_twenty_faulty_rows_mail_nobody_and_are_all_named(place: Place, server: ScriptedServer) -> None:
    place.members(*PEOPLE, *(f"Fout;;Nummer {number};fout{number}@@example.org;Fout;lid" for number in range(20)))
    ran = place.run("send", "directeurendag-2020", "invitation", "--yes")
    assert ran.code == 65
    assert [f"leden.csv:{row} " in ran.err for row in range(7, 27)] == [True] * 20
    assert not server.connections


def test_a_faulty_row_mails_nobody_unless_it_is_said(place: Place, server: ScriptedServer) -> None:
    place.members(*PEOPLE, "Fout;;Adres;fout@@example.org;Fout;lid")
    ran = place.run("send", "directeurendag-2020", "invitation", "--yes")
    assert ran.code == 65
    assert "leden.csv:7" in ran.err and "fout@@example.org" in ran.err
    assert not server.connections
    skipping = place.run("send", "directeurendag-2020", "invitation", "--yes", "--skip-faulty")
    assert len(server.taken) == 5
    assert "fout@@example.org" in skipping.out + skipping.err


def test_check_says_whose_mail_is_composed_one_by_one(place: Place) -> None:
    place.write(
        "templates/invitation.md",
        "---\nsubject: x\npreheader: y\n---\n{% filter upper %}{{ member.name }}{% endfilter %}\n",
    )
    ran = place.run("check", "directeurendag-2020")
    assert ran.code == 0
    assert "templates/invitation.md" in ran.out and "one by one for 5 members" in ran.out


def test_an_empty_list_is_never_everyone(place: Place, server: ScriptedServer) -> None:
    place.members()
    ran = place.run("send", "directeurendag-2020", "invitation", "--yes")
    assert ran.code == 65
    assert not server.connections


def test_a_lost_ledger_stops_the_run(place: Place, server: ScriptedServer) -> None:
    place.send()
    for path in place.folder.glob("mkwmail-test.db*"):
        path.unlink()
    ran = place.run("send", "directeurendag-2020", "invitation", "--yes")
    assert ran.code == 78
    assert len(server.taken) == 5


def test_a_clock_that_was_set_back_mails_nobody_twice(place: Place, server: ScriptedServer) -> None:
    place.members(*PEOPLE[:3])
    assert place.send(now="2020-02-20T10:00").json["sent"] == 3
    place.members(*PEOPLE)
    back = place.send(now="2020-02-18T10:00")
    assert (back.code, back.json["sent"]) == (0, 2)
    assert _received(server) == [1, 1, 1, 1, 1]


def test_without_a_terminal_and_without_yes_nothing_is_sent(place: Place, server: ScriptedServer) -> None:
    ran = place.run("send", "directeurendag-2020", "invitation")
    assert ran.code == 78
    assert "--yes" in ran.err
    assert not server.connections


def test_example_members_are_refused_by_a_server_that_is_not_ours(place: Place) -> None:
    text = (place.folder / "mkwmail.yaml").read_text()
    place.write("mkwmail.yaml", re.sub(r"smtp: .*", "smtp: {host: mail.vereniging.nl, username: x}", text))
    ran = place.run("send", "directeurendag-2020", "invitation", "--yes", MKWMAIL_NOW="")
    assert ran.code in (65, 78)
    assert "example" in ran.err


def test_a_dry_run_sends_nothing_and_shows_what_would_go(place: Place, server: ScriptedServer) -> None:
    ran = place.run("send", "directeurendag-2020", "invitation", "--dry-run")
    assert ran.code == 0
    assert "Beste Kim" in ran.out
    assert not server.connections


SMTP_SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/bin")


@pytest.mark.skipif(SMTP_SINK is None, reason="smtp-sink is not installed (Debian package postfix)")
def test_smtp_sink_gets_one_message_for_each_member(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mails = tmp_path / "sink"
    mails.mkdir(mode=0o777)
    mails.chmod(0o777)
    (tmp_path / "folder").mkdir()
    tmp_path.chmod(0o755)
    command = [str(SMTP_SINK), "-u", "nobody", "-d", "mail.", f"127.0.0.1:{port}", "10"]
    sink = subprocess.Popen(command, cwd=mails)
    try:
        _wait_for_port(port)
        place = a_place(tmp_path / "folder", port)
        assert place.send().json["sent"] == 5
        assert place.send().json["sent"] == 0
    finally:
        sink.terminate()
        sink.wait(10)
    texts = [path.read_bytes() for path in mails.iterdir()]
    recipients = [re.findall(rb"(?m)^X-Rcpt-Args: <(.*)>", text) for text in texts]
    assert sorted(recipients) == sorted([address.encode()] for address in ADDRESSES)


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    pytest.fail(f"nothing listens on port {port}")
