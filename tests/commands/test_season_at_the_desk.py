"""A season in Dutch by the numbers of the desk alone, in terminals of two sizes, with what goes wrong on the way."""

import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.keyboard import in_a_terminal, typed, until
from tests.smtp_server import DROP, Call, ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PROMPT = "q om te stoppen:"
Typed = tuple[str, str | Callable[[str], str]]


def plain(screen: str) -> str:
    return _ESCAPES.sub("", screen).replace("\r\n", "\n")


def chosen(does: str) -> Typed:
    """Return the number to type at the desk's question for a step."""

    def found(screen: str) -> str:
        numbers: list[str] = re.findall(rf"^ +(\d)  {does} +mkwmail", plain(screen), re.MULTILINE)
        assert numbers, plain(screen)
        return numbers[-1]

    return _PROMPT, found


class Desk:
    """The desk of one working folder, in a terminal of one size."""

    def __init__(self, place: Place, server: ScriptedServer, size: tuple[int, int]) -> None:
        self.place, self.server, self.size = place, server, size

    def at(self, now: str, *answers: Typed, leaves: bool = True, **more: str) -> str:
        """Sit at the desk once; return what is on the screen.

        ``leaves``: the last question is answered with q; otherwise nothing is asked any more.
        """
        before = len(self.server.taken)
        end = [(_PROMPT, "q")] if leaves else []
        environment = self.place.environment(now, PAGER="cat", **more)
        code, screen = typed(self.place.command(), environment, self.place.folder, [*answers, *end], self.size)
        self.sent = len(self.server.taken) - before
        shown = plain(screen)
        assert code == 0, shown
        # A progress bar draws over itself, so its line is long only in this record.
        assert all(len(line) <= self.size[0] for line in shown.splitlines() if "━" not in line), shown
        return shown


@pytest.fixture(params=[(80, 24), (100, 32)], ids=["80x24", "100x32"])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> object:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.settings(server.port, "language: nl\n")
        yield Desk(place, server, request.param)


def test_a_season_by_the_numbers_of_the_desk(desk: Desk) -> None:
    screen = desk.at("2020-01-20T09:00", chosen("Vooraankondiging versturen"), ("Typ 5 om", "5"))
    assert "5 mails verstuurd." in screen and desk.sent == 5
    assert "Volgende: uitnodiging, gepland voor 17 februari 2020 om 9.00 uur" in screen

    # The command that is shown for each step is one that can be typed: it teaches.
    looks = (chosen("Uitnodiging bekijken"), ("q stoppen", "q"), chosen("Oefenen"))
    screen = desk.at("2020-02-17T09:00", *looks, chosen("Uitnodiging versturen"), ("Typ 5 om", "5"))
    assert "mkwmail preview uitnodiging" in screen and "mkwmail send uitnodiging --rehearse" in screen
    assert "Geoefend: 5 mails" in screen and desk.sent == 5
    assert desk.place.run("preview", "uitnodiging", now="2020-02-17T09:00").code == 0

    headings, row = "Naam;E-mailadres;Komt u?;Tijdstempel", "Kim Verbeek;kim@woonstede.example.org;ja;18-02-2020 10:00"
    desk.place.write("aanmeldingen.csv", f"{headings}\n{row}\n")
    answers = (chosen("Aanmeldingen inlezen"), ("sleep het", "aanmeldingen.csv"), ("j/n", "j"))
    assert "1 antwoord vastgelegd." in desk.at("2020-03-01T09:00", *answers)

    desk.at("2020-03-23T09:00", chosen("Herinnering versturen"), ("Typ 4 om", "4"))
    assert desk.sent == 4
    screen = desk.at("2020-04-09T09:00", chosen("Praktische informatie versturen"), ("Typ 1 om", "1"))
    assert desk.sent == 1 and "mkwmail send praktische-informatie" in screen
    desk.at("2020-04-20T09:00", chosen("Bedankmail versturen"), ("Typ 1 om", "1"), leaves=False)
    assert desk.sent == 1
    people = [each.recipients[0] for each in desk.server.taken]
    assert len(people) == 16 and people.count("kim@woonstede.example.org") == 4


def test_a_deferred_and_a_refused_mail_by_the_numbers_of_the_desk(desk: Desk) -> None:
    desk.server.on("RCPT", "451 4.7.1 greylisted", recipient="kim@woonstede.example.org", times=1)
    desk.server.on("RCPT", "550 5.1.1 no such user", recipient="lou@elf.example.org")
    screen = desk.at("2020-02-17T09:00", chosen("Uitnodiging versturen"), ("Typ 5 om", "5"))
    assert desk.sent == 3
    said = " ".join(screen.split())
    assert "hun server neemt de mail nog niet aan (451 4.7.1 greylisted); niet vóór" in said
    assert "geweigerd door de server op 17 februari 2020: het adres klopt niet (550 5.1.1 no such user)" in said
    assert "uitnodiging, Lou 't Hart: het adres klopt niet (550 5.1.1" in said.rpartition("Volgende mailing")[2]
    assert not re.search(r"invitation|reminder", screen)
    last = " ".join(screen.rpartition("Volgende mailing")[2].split())
    assert "uitnodiging: de server stelde 1 mail uit tot 9.30 uur" in last
    # Work that waits for a person comes before the next mailing.
    assert re.search(r"1 Over mails beslissen mkwmail resolve 2 Uitnodiging versturen mkwmail send uitnodiging", last)

    # The next day, in a new terminal: what waits is one number away, and nobody gets it twice.
    screen = desk.at("2020-02-18T09:00", chosen("Uitnodiging versturen"), ("Typ 1 om", "1"))
    assert desk.sent == 1 and desk.server.taken[-1].recipients == ("kim@woonstede.example.org",)
    assert "Over mails beslissen" in screen
    people = [each.recipients[0] for each in desk.server.taken]
    assert len(people) == len(set(people)) == 4


def test_an_interruption_is_finished_by_one_number(desk: Desk) -> None:
    place = desk.place
    assert place.run("send", "directeurendag-2020", "invitation", "--yes", "--limit", "2").code == 75
    screen = desk.at("2020-02-18T09:00", chosen("Uitnodiging versturen"), ("Typ 3 om", "3"))
    assert "uitnodiging: 2 van 5 verstuurd; 3 wachten" in " ".join(screen.split())
    people = [each.recipients[0] for each in desk.server.taken]
    assert len(people) == len(set(people)) == 5


def test_ctrl_c_in_the_middle_of_a_mailing_and_the_rest_by_one_number(desk: Desk) -> None:
    place, server = desk.place, desk.server
    place.members(*(f"Kim;;Ver{chr(97 + n)}beek;lid{n}@elf.example.org;Elf {n};lid" for n in range(26)), PEOPLE[0])
    at_the_fourth, pressed = threading.Event(), threading.Event()

    def wait_for_the_key() -> None:
        at_the_fourth.set()
        assert pressed.wait(60)

    server.on("DOT", Call(wait_for_the_key), skip=3, times=1)
    environment = place.environment("2020-02-17T09:00", PAGER="cat", TERM="xterm-256color")
    environment.pop("COLUMNS")
    pid, screen = in_a_terminal(place.command("send", "uitnodiging"), environment, place.folder, desk.size)
    until(screen, "Typ 27 om")
    os.write(screen, b"27\n")
    assert at_the_fourth.wait(60)
    # The key itself: the terminal sends SIGINT to everything that runs in its foreground.
    os.write(screen, b"\x03")
    until(screen, "^C")
    pressed.set()
    said = plain(until(screen, None))
    os.close(screen)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    sent = len(server.taken)
    assert 4 <= sent < 10
    assert "Onderbroken. Alles tot nu toe is vastgelegd; niemand krijgt iets dubbel." in said

    finish = (chosen("Uitnodiging versturen"), (f"Typ {27 - sent} om", f"{27 - sent}"))
    lines = desk.at("2020-02-17T09:10", *finish).splitlines()
    # What broke off is the first thing that the desk says, and its command is whole.
    first = lines.index("", next(number for number, line in enumerate(lines) if "Volgende mailing" in line)) + 1
    told = f"uitnodiging: {sent} van 27 verstuurd; {27 - sent} wachten: mkwmail send directeurendag-2020 uitnodiging"
    assert " ".join(f"{lines[first]} {lines[first + 1]}".split()).startswith(told)
    assert any(line.endswith("mkwmail send directeurendag-2020 uitnodiging") for line in lines)
    people = [each.recipients[0] for each in server.taken]
    assert len(people) == len(set(people)) == 27


def test_a_mail_in_doubt_is_decided_at_the_desk_by_one_key(desk: Desk) -> None:
    desk.server.on("DOT", DROP, recipient="lou@elf.example.org", times=1)
    assert desk.place.send(now="2020-02-17T09:00").code == 79
    looks = (chosen("Over mails beslissen"), ("Enter = later beslissen:", "o"))
    screen = desk.at("2020-02-17T10:00", *looks, chosen("Uitnodiging versturen"), ("Typ 1 om", "1"))
    assert "uitnodiging, Lou 't Hart" in screen and "1 beslissing vastgelegd." in screen
    assert desk.server.taken[-1].recipients == ("lou@elf.example.org",) and desk.sent == 1
    assert desk.server.bodies_of("kim@woonstede.example.org") == 1


def test_the_figures_of_the_status_are_on_the_first_screen(desk: Desk) -> None:
    place = desk.place
    desk.server.on("RCPT", "451 4.7.1 greylisted", recipient="kim@woonstede.example.org", times=1)
    desk.server.on("RCPT", "550 5.1.1 no such user", recipient="lou@elf.example.org")
    assert place.send(now="2020-02-17T09:00").code == 80
    place.write(
        "antwoorden.csv",
        "Naam;E-mailadres;Komt u?;Tijdstempel\nJan de Vries;jan@dehaven.example.org;ja;18-02-2020 10:00\n",
    )
    file = str(place.folder / "antwoorden.csv")
    read = place.run("answers", "import", "directeurendag-2020", file, "--yes", now="2020-02-20T09:00")
    assert read.code == 0, read
    environment = place.environment("2020-04-09T09:00", PAGER="cat")
    _code, screen = typed(place.command("status", "directeurendag-2020"), environment, place.folder, [], desk.size)
    shown = plain(screen).splitlines()
    at = {
        word: next(n for n, line in enumerate(shown) if line.startswith(word)) for word in ("Antwoorden:", "Geweigerd")
    }
    assert at["Antwoorden:"] < min(at["Geweigerd"], desk.size[1] - 4)
    # The chart, which is the longest and the least urgent, is last.
    assert "a = uitnodiging" in shown[-1]
    # Every heading is whole, and nothing is cut off at the edge.
    assert " ".join(shown).count("versturen") and all(len(line.rstrip()) <= desk.size[0] for line in shown)
