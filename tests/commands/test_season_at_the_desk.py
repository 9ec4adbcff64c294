"""A season in Dutch by the numbers of the desk alone, in terminals of two sizes, with what goes wrong on the way."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, a_place

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
    desk.at("2020-04-09T09:00", chosen("Praktische informatie versturen"), ("Typ 1 om", "1"))
    assert desk.sent == 1
    desk.at("2020-04-20T09:00", chosen("Bedankmail versturen"), ("Typ 1 om", "1"), leaves=False)
    assert desk.sent == 1
    people = [each.recipients[0] for each in desk.server.taken]
    assert len(people) == 16 and people.count("kim@woonstede.example.org") == 4


def test_a_deferred_and_a_refused_mail_by_the_numbers_of_the_desk(desk: Desk) -> None:
    desk.server.on("RCPT", "451 4.7.1 greylisted", recipient="kim@woonstede.example.org", times=1)
    desk.server.on("RCPT", "550 5.1.1 no such user", recipient="lou@elf.example.org")
    screen = desk.at("2020-02-17T09:00", chosen("Uitnodiging versturen"), ("Typ 5 om", "5"))
    assert desk.sent == 3
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
    assert "uitnodiging: 2 verstuurd, 3 wachten" in " ".join(screen.split())
    people = [each.recipients[0] for each in desk.server.taken]
    assert len(people) == len(set(people)) == 5
