"""Questions to a person, and the effect of the answers."""

import os
import sys
from pathlib import Path

import pytest

from tests.commands.test_send import move_ledger
from tests.keyboard import in_a_terminal, interrupted, typed, until
from tests.smtp_server import DROP, ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


def at_keyboard(
    place: Place, *words: str, answers: list[tuple[str, str]], now: str = "2020-02-17T09:00"
) -> tuple[int, str]:
    return typed(place.command(*words), place.environment(now), place.folder, answers)


def test_after_ctrl_c_at_a_question_the_shell_goes_on_on_a_new_line(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        environment = {**place.environment("2020-02-17T09:00"), "TERM": "dumb", "COLUMNS": "80"}
        pid, screen = in_a_terminal(place.command("send", EVENT, "invitation"), environment, place.folder)
        until(screen, "type 5:")
        said = interrupted(screen)
        os.close(screen)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
        assert said.endswith("\n") and not server.taken


def test_the_right_count_sends_and_any_other_does_not(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        code, screen = at_keyboard(place, "send", EVENT, "invitation", answers=[("type 5:", "yes")])
        assert code == 130
        assert "Nothing was sent." in screen
        assert server.connections == 0
        code, screen = at_keyboard(place, "send", EVENT, "invitation", answers=[("type 5:", "5")])
        assert code == 0
        for shown in (
            *("From", "Lilian van Zandbrink <secretaris@example.org>", "Subject", "Uitnodiging: Directeurendag"),
            *("5 members: Kim Verbeek", "Attached", "invite.ics", "5 mails sent."),
        ):
            assert shown in screen
        assert len(server.taken) == 5
        assert all(len(line) <= 80 for line in screen.splitlines() if "\x1b" not in line)


def test_too_early_is_pointed_out(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    code, screen = at_keyboard(place, "send", EVENT, "invitation", answers=[("type 5:", "")], now="2020-01-12T09:00")
    assert code == 130
    assert "planned for 17 February 2020, but today is 12 January 2020" in screen


def test_a_cancellation_asks_for_the_event(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send()
        code, _screen = at_keyboard(place, "send", EVENT, "cancellation", answers=[(f"type {EVENT}:", "5")])
        assert code == 130
        code, _screen = at_keyboard(place, "send", EVENT, "cancellation", answers=[(f"type {EVENT}:", EVENT)])
        assert code == 0
        assert len(server.taken) == 10


def test_another_computer_is_asked_about(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.send("--limit", "1")
        move_ledger(place)
        words = ("send", EVENT, "invitation")
        assert at_keyboard(place, *words, answers=[("Type yes:", "no")])[0] == 78
        assert len(server.taken) == 1
        assert at_keyboard(place, *words, answers=[("Type yes:", "yes"), ("type 4:", "4")])[0] == 0
        assert place.send().code == 0
        assert len(server.taken) == 5


def test_who_is_doubtful_is_asked_and_not_mailed_twice(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        rows = ("Jan;de;Vries;jan1@haven.example.org;De Haven;", "Jan;de;Vries;jan2@haven.example.org;De Haven;")
        place.members(*rows, *PEOPLE[2:])
        place.send()
        # Both addresses have left the list: it cannot be known which Jan de Vries this is.
        place.members("Jan;de;Vries;jan@haven.example.org;De Haven;", *PEOPLE[2:])
        unasked = place.run("send", EVENT, "invitation", "--yes")
        assert unasked.code == 75
        assert "it is doubtful who this is" in unasked.out
        code, screen = at_keyboard(place, "send", EVENT, "invitation", answers=[("Type the number", "1")])
        assert code == 0
        assert "may be one of several" in screen
        assert len(server.taken) == 5
        assert place.send().code == 0
        assert server.bodies_of("jan@haven.example.org") == 0


def test_in_doubt_and_refused_are_resolved_by_a_word(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        kim, els = (PEOPLE[index].split(";")[3] for index in (0, 2))
        server.on("DOT", DROP, recipient=kim, times=1)
        server.on("RCPT", "550 5.1.1 unknown", recipient=els)
        place = a_place(tmp_path, server.port)
        sent = place.run("send", EVENT, "invitation", "--yes")
        assert sent.code == 79
        assert "mkwmail resolve directeurendag-2020" in sent.out
        listed = place.run("resolve", EVENT)
        assert listed.code == 79
        assert kim in listed.out and els in listed.out
        code, screen = at_keyboard(place, "resolve", EVENT, answers=[("decide later:", "a")])
        assert code == 80
        assert "Correct the address in leden.csv:4" in screen
        assert "To send again: mkwmail send directeurendag-2020 invitation" in screen
        assert place.run("resolve", EVENT, "--sent", "van der ven").code == 0
        assert place.run("resolve", EVENT, "--sent", "van der ven").code == 2
        assert place.send().code == 0
        assert (server.bodies_of(kim), server.bodies_of(els)) == (2, 0)


def test_init_asks_and_asks_again_for_what_it_cannot_use(tmp_path: Path) -> None:
    place = Place(tmp_path / "new")
    answers = [
        *(("association's name:", "MKW Platform"), ("members see it:", "Lilian van Zandbrink")),
        *(("sender's address:", "lilian"), ("sender's address:", "lilian@mkw.nl")),
        *(("sender's position", "secretaris"), ("telephone number", "")),
        *(("host name:", "n"), ("host name:", "Outlook"), ("[u]", "je")),
        *(("event's title", "Directeurendag"), ("Its date", "2021-04-15"), ("Its city", "Utrecht")),
    ]
    command = [sys.executable, "-m", "mkwmail", "init", str(place.folder)]
    code, screen = typed(command, place.environment(""), tmp_path, answers)
    assert code == 0
    assert "mkwmail check directeurendag-2021" in screen
    settings = (place.folder / "mkwmail.yaml").read_text(encoding="utf-8")
    for line in ('association: "MKW Platform"', 'email: "lilian@mkw.nl"', "provider: microsoft365", "form: je"):
        assert line in settings
    assert '\n  role: "secretaris"' in settings and "\n  # phone: 030 000 00 00" in settings
    assert place.run("check", EVENT).code == 0
    own = (place.folder / "events" / "2021-04-15-directeurendag.yaml").read_text(encoding="utf-8")
    assert "title: Directeurendag" in own and "\n  city: Utrecht\n" in own
    assert place.run("check", "directeurendag-2021").code == 0
