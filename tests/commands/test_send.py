"""``send`` as the secretary runs it, against a real server on loopback."""

import email
import email.policy
import re
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.ledger.ledger import Ledger
from tests.keyboard import typed
from tests.smtp_server import Call, ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
LATER = "2020-02-17T12:00"


def addresses(people: tuple[str, ...] = PEOPLE) -> list[str]:
    return [person.split(";")[3] for person in people]


def test_everybody_gets_one_and_a_second_run_says_that_all_had_it(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        first = place.run("send", EVENT, "invitation", "--yes")
        assert first.code == 0, first.err
        assert "5 mails sent." in first.out
        assert "Uitnodiging: Directeurendag" in first.out
        assert "MKWMAIL_NOW: the clock starts at 17 February 2020 09:00" in first.err
        second = place.run("send", EVENT, "invitation", "--yes", now=LATER)
        assert second.code == 0
        assert "everybody already had the invitation" in second.out
        assert "already sent on 17 February 2020" in second.out
        assert sorted(each.recipients[0] for each in server.taken) == sorted(addresses())


def test_with_the_clock_shifted_it_says_that_mail_is_really_handed_over(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        words = ("send", EVENT, "invitation", "--yes")
        is_handed = f"Mail is really handed to 127.0.0.1:{server.port}, which may deliver it."
        was_handed = f"Mail was really handed to 127.0.0.1:{server.port}, which may deliver it."
        for kept in ("--dry-run", "--rehearse"):
            ran = place.run(*words, kept)
            assert ran.code == 0 and "really handed" not in ran.out + ran.err
        # By the computer's own clock there is nothing to point out; here the event is long over.
        assert "really handed" not in place.run(*words, now="").err
        part = place.run(*words, "--limit", "1")
        assert is_handed in part.err and part.out.endswith(f"{was_handed}\n")
        as_json = place.send()
        assert as_json.json["sent"] == 4 and is_handed in as_json.err and was_handed in as_json.err
        nothing = place.run(*words, now=LATER)
        assert is_handed in nothing.err and was_handed not in nothing.out


def test_the_json_document_is_all_there_is_on_standard_output(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "451 4.7.1 later", recipient=addresses()[0])
        server.on("RCPT", "550 5.1.1 unknown", recipient=addresses()[1])
        place = a_place(tmp_path, server.port)
        place.members(
            *(f"{person};" for person in PEOPLE),
            "Bo;;Blok;bo@example.org;Elf;;met pensioen",
            headings="voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie;niet mailen",
        )
        ran = place.send()
    assert ran.code == 80
    document = ran.json
    assert list(document) == [
        *("event", "mailing", "planned", "sent", "waiting"),
        *("deferred", "refused", "in_doubt", "skipped", "faults"),
    ]
    assert (document["planned"], document["sent"], document["waiting"]) == (5, 3, 0)
    assert [each["address"] for each in document["deferred"]] == addresses()[:1]
    assert "not before 17 February 2020 09:30" in document["deferred"][0]["reason"]
    assert [each["reason"] for each in document["refused"]] == [
        "refused by the server on 17 February 2020: 550 5.1.1 unknown"
    ]
    assert [each["reason"] for each in document["skipped"]] == ["not to be mailed: met pensioen"]


def test_send_says_how_many_salutations_are_odd_with_examples(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.members(
            *("KIM VAN BEEK;kim@linde.example.org", "Jan Smit;jan@linde.example.org", ";an@linde.example.org"),
            headings="naam;e-mail",
        )
        first = place.run("send", EVENT, "invitation", "--yes", "--limit", "2")
        rest = place.run("send", EVENT, "invitation", "--yes")
    assert 'Note: 1 salutation is odd: "Beste KIM" (row 2: is "Kim van Beek" meant?)' in first.out
    assert 'Note: 1 salutation is odd: "Beste collega" (row 4: no name is known)' in rest.out


def test_a_deferred_one_waits_and_then_goes(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("RCPT", "451 4.7.1 later", recipient=addresses()[0], times=1)
        place = a_place(tmp_path, server.port)
        first = place.run("send", EVENT, "invitation", "--yes")
        assert first.code == 75
        assert "The deferred, from 09:30: mkwmail send directeurendag-2020 invitation" in first.out
        assert place.send(now="2020-02-17T09:10").code == 75
        assert len(server.taken) == 4
        assert place.send(now="2020-02-17T09:31").code == 0
        assert server.bodies_of(addresses()[0]) == 1


def test_limit_leaves_the_rest_for_a_later_run(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        first = place.run("send", EVENT, "invitation", "--yes", "--limit", "2")
        assert first.code == 75
        assert "3 mails still to send: mkwmail send directeurendag-2020 invitation" in first.out
        assert place.send().json["sent"] == 3
        assert len(server.taken) == 5


def test_nobody_at_the_keyboard_and_no_yes_sends_nothing(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        ran = a_place(tmp_path, server.port).run("send", EVENT, "invitation")
        assert ran.code == 78
        assert "--yes" in ran.err
        assert server.connections == 0


def test_a_dry_run_shows_plan_and_mails_and_sends_nothing(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        ran = place.run("send", EVENT, "invitation", "--dry-run")
        assert ran.code == 0
        assert "5 members: Kim Verbeek" in ran.out
        assert "Beste Kim," in ran.out
        assert "nothing was sent" in ran.out
        assert server.connections == 0
        assert place.run("send", EVENT, "invitation", "--dry-run", "--json").json["planned"] == 5


def test_a_rehearsal_sends_all_to_itself_and_changes_nothing(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        ran = place.run("send", EVENT, "invitation", "--rehearse", now="2019-12-01T09:00")
        assert ran.code == 0, ran.err
        assert "as if it were 17 February 2020 09:00" in ran.out
        files = sorted((tmp_path / "rehearsal").glob("*.eml"))
        assert [path.name for path in files][:2] == ["001-kim-verbeek.eml", "002-jan-de-vries.eml"]
        assert len(files) == 5
        for path in files:
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            assert not mail.defects
            assert "17 Feb 2020" in str(mail["Date"])
        assert server.connections == 0
        assert place.send().json["sent"] == 5


def test_a_rehearsed_mail_is_the_one_that_is_sent(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.run("send", EVENT, "invitation", "--rehearse")
        place.send()
        sent = {each.recipients[0]: each.data for each in server.taken}

    def undated(data: bytes) -> list[bytes]:
        lines = data.replace(b"\r\n", b"\n").split(b"\n")
        return [line for line in lines if not line.startswith((b"Date:", b"DTSTAMP"))]

    rehearsed = (tmp_path / "rehearsal" / "001-kim-verbeek.eml").read_bytes()
    ours = email.message_from_bytes(rehearsed, policy=email.policy.default)
    theirs = email.message_from_bytes(sent[addresses()[0]], policy=email.policy.default)
    assert ours["Message-ID"] == theirs["Message-ID"]
    # The attached calendar holds its DTSTAMP in base64.
    assert undated(rehearsed)[:30] == undated(sent[addresses()[0]])[:30]


def test_a_template_that_fails_for_one_member_mails_nobody(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.write(
            "templates/invitation.md",
            "---\nsubject: Dag\npreheader: x\n---\n{% if member.surname == 'Ruiter' %}{{ oops }}{% endif %}Tot dan.\n",
        )
        ran = place.run("send", EVENT, "invitation", "--yes")
        assert ran.code == 65
        assert "templates/invitation.md:5" in ran.err
        assert "Zoë Ruiter" in ran.err
        assert server.connections == 0


def test_faulty_rows_are_left_out_only_when_that_is_said(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.members(*PEOPLE, "Bo;;Blok;bo@@example.org;Elf;")
        assert place.send().code == 65
        assert server.connections == 0
        ran = place.run("send", EVENT, "invitation", "--yes", "--skip-faulty")
        assert ran.code == 0
        assert len(server.taken) == 5
        assert "1 faulty row of the list is left out" in ran.out
        assert "Bo Blok" in ran.out.split("sent")[-1]


@pytest.mark.parametrize("what", ["smtp.real.nl", "smtp.example.org"])
def test_examples_never_leave_this_computer(tmp_path: Path, what: str) -> None:
    place = a_place(tmp_path)
    place.write(
        "mkwmail.yaml",
        "sender: {name: X, email: secretaris@example.org}\nmembers: leden.csv\n"
        f"smtp: {{host: {what}, username: x}}\n",
    )
    place.write(
        "events/later.yaml",
        "id: later\ntitle: Later\nstarts: 2199-04-16 13:00\nends: 18:00\n"
        "registration: {url: 'https://aanmelden.example.org/'}\nmailings: {invitation: {send: 2020-01-01 09:00}}\n",
    )
    ran = place.run("send", "later", "invitation", "--yes", now="")
    assert ran.code == 78
    for said in ("secretaris@example.org", "aanmelden.example.org"):
        assert said in ran.err
    # A whole list of examples is one fault; among others, their rows are named.
    assert ran.err.count("leden.csv:") == 1 and not any(each in ran.err for each in addresses())
    assert "leden.csv: this is an example list" in ran.err
    assert "save your own list as leden.csv, or name it at members: in mkwmail.yaml" in " ".join(ran.err.split())
    place.members(PEOPLE[0], "An;;Vos;an@woonstede.internal;Woonstede;lid", *PEOPLE[1:])
    ran = place.run("send", "later", "invitation", "--yes", now="")
    assert ran.code == 78
    assert "leden.csv: 5 addresses are examples and reach nobody: rows 2, 4, 5, 6, 7" in " ".join(ran.err.split())


def test_a_shifted_clock_sends_to_this_computer_only(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.write(
        "mkwmail.yaml",
        "sender: {name: X, email: x@mkw.nl}\nmembers: leden.csv\nsmtp: {host: smtp.mkw.nl, username: x}\n",
    )
    ran = place.run("send", EVENT, "invitation", "--yes")
    assert ran.code == 78
    assert "MKWMAIL_NOW" in ran.err
    assert not (tmp_path / "mkwmail.db").exists()


def test_without_a_mailing_the_one_that_is_due_goes(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.run("send", EVENT, "--yes", "--json", now="2020-01-21T09:00").json["mailing"] == "save-the-date"
        none_due = place.run("send", EVENT, "--yes", now="2020-01-01T09:00")
        assert none_due.code == 2
        assert "mkwmail send directeurendag-2020 invitation" in none_due.err
        place.send()
        # A member who joins now is invited, and is not asked to save a date.
        place.members(*PEOPLE, "Bo;;Blok;bo@elf.example.org;Elf;")
        assert place.run("send", EVENT, "--yes", "--json", now=LATER).json["mailing"] == "invitation"
        assert server.bodies_of("bo@elf.example.org") == 1


def test_without_a_mailing_the_later_of_two_reminders_goes(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        path = next((tmp_path / "events").glob("*.yaml"))
        text = path.read_text(encoding="utf-8")
        second = "  reminder-2: {send: 2020-03-30 09.00}\n  practical:"
        path.write_text(text.replace("  practical:", second, 1), encoding="utf-8")
        place.send()
        ran = place.run("send", EVENT, "--yes", "--json", now="2020-03-30T10:00")
        assert (ran.json["mailing"], ran.json["sent"]) == ("reminder-2", 5)


def test_too_late_is_said_and_is_not_success(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        ran = a_place(tmp_path, server.port).run("send", EVENT, "invitation", "--yes", now="2020-04-10T09:00")
        assert ran.code == 80
        assert "too late" in ran.out
        assert server.connections == 0


def test_an_earlier_text_is_reported_with_the_lines_that_differ(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send()
        path = next((tmp_path / "events").glob("*.yaml"))
        path.write_text(path.read_text(encoding="utf-8").replace("name: De Moestuin", "name: De Schuur"), "utf-8")
        place.members(*PEOPLE, "Bo;;Blok;bo@elf.example.org;Elf;")
        ran = place.run("send", EVENT, "invitation", "--yes", now=LATER)
        assert "5 had an earlier text of this mailing" in ran.out
        assert "De Moestuin" in ran.out and "De Schuur" in ran.out
        assert len(server.taken) == 6


def test_login_refused_is_77_and_names_the_remedy(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("MAIL", "535 5.7.8 authentication failed")
        ran = a_place(tmp_path, server.port).run("send", EVENT, "invitation", "--yes")
        assert ran.code == 77
        assert "→" in ran.out
        assert "5 mails still to send" in ran.out


def test_another_computer_is_refused_without_somebody_to_ask(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send("--limit", "1")
        move_ledger(place)
        ran = place.send()
        assert ran.code == 78
        assert "another computer" in ran.err
        assert len(server.taken) == 1


def move_ledger(place: Place) -> None:
    """Make the ledger one that came from elsewhere."""
    folder = place.folder
    now = datetime(2020, 2, 17, 9, tzinfo=ZONE)
    with Ledger.open(folder / "mkwmail-test.db", folder / "mkwmail-test.id", now, "elsewhere") as ledger:
        ledger.adopt("elsewhere")


def test_two_at_once_the_second_says_who_holds_the_ledger(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        seconds: list[tuple[int, str]] = []

        def meanwhile() -> None:
            ran = place.send()
            seconds.append((ran.code, ran.err))

        server.on("DATA", Call(meanwhile), times=1)
        first = place.send()
        assert first.json["sent"] == 5
        assert seconds[0][0] == 73
        assert "send directeurendag-2020" in seconds[0][1]
        assert len(server.taken) == 5


def test_a_skip_given_during_the_run_stops_that_members_mail(tmp_path: Path) -> None:
    first, *_others, last = addresses()
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        said: list[int] = []

        def skip() -> None:
            words = place.command("skip", last, "--event", EVENT, "--reason", "met pensioen")
            said.append(subprocess.run(words, env=place.environment(), check=False, capture_output=True).returncode)

        server.on("DOT", Call(skip), recipient=first, times=1)
        ran = place.send()
        assert said == [0]
        assert sorted(each.recipients[0] for each in server.taken) == sorted(set(addresses()) - {last})
    assert ran.code == 0 and ran.json["sent"] == 4 and ran.json["waiting"] == 0
    (skipped,) = ran.json["skipped"]
    assert skipped["address"] == last and "met pensioen" in skipped["reason"]
    assert "met pensioen" in place.run("status", EVENT, "--skipped").out


def _asked_at_the_screen(place: Place, *options: str) -> list[str]:
    """Return the lines from the title to the question, in a terminal of 80 columns and 24 lines."""
    command = place.command("send", EVENT, "invitation", *options)
    _code, screen = typed(command, place.environment(), place.folder, [("type ", "no")], size=(80, 24))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)
    lines = shown[shown.rindex("Directeurendag, 16 April 2020") :].partition("type ")[0].splitlines()
    assert len(lines) <= 24 and all(len(line) <= 80 for line in lines)
    for heading in ("From ", "Subject ", "To ", "Attached ", "List "):
        assert any(line.strip().startswith(heading) for line in lines)
    return lines


def test_the_head_stays_on_the_screen_with_the_question(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(*(f"Kim{n};;Vos;kim{n}@huis{n}.example.org;Huis {n};lid" for n in range(100)))
    lines = _asked_at_the_screen(place)
    assert lines[-1].startswith("To send 100 mails")
    assert not any("more: " in line for line in lines)


def test_notes_that_have_no_room_are_counted_with_the_command_that_shows_them(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    twice = [f"Jan;;Dubbel{n};jan{n}.{m}@huis{n}.example.org;Huis {n};lid" for n in range(8) for m in range(2)]
    place.members(*twice, "Fout;;Adres;niets;Elf;", *(f"Kim;;Vos{n};k{n}@dorp{n}.example.org;;lid" for n in range(84)))
    lines = _asked_at_the_screen(place, "--skip-faulty")
    counted = [re.fullmatch(r"  and (\d+) more: (mkwmail .*)", line) for line in lines]
    (more,) = filter(None, counted)
    assert more[2] == "mkwmail check directeurendag-2020 --skip-faulty"
    notes = [line for line in lines if line.startswith("Note: ")]
    assert notes[0] == "Note: 1 faulty row of the list is left out"
    everything = place.run("send", EVENT, "invitation", "--skip-faulty", "--dry-run").out
    assert everything.count("\nNote: ") == len(notes) + int(more[1])


def test_people_left_out_who_have_no_room_are_counted(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    double = [f"Jan;;Vos{n};k{n % 9}@dorp{n % 9}.example.org;Dorp {n % 9};lid" for n in range(18)]
    place.members(*double, *(f"Kim;;Kok{n};l{n}@stad{n}.example.org;;lid" for n in range(50)))
    lines = _asked_at_the_screen(place)
    said = " ".join(" ".join(lines).split())
    assert f"Skipped: 9 (who and why: mkwmail send {EVENT} invitation --dry-run)" in said
