"""Plain ``mkwmail`` in a terminal: known folders, first steps, and the next step by number."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mkwmail.cli_help import CHAPTER_OF
from mkwmail.config.folder import EXAMPLE_EVENT
from mkwmail.mail.pages import PAGES, SECTIONS, guide_page, place_of
from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, ROOT, Place, a_place

EVENT = "directeurendag-2020"


def number(does: str) -> Callable[[str], str]:
    """Return the number to type at the last question for a step."""

    def found(screen: str) -> str:
        numbers: list[str] = re.findall(rf"^ +(\d)  {does} +mkwmail", screen, re.MULTILINE)
        assert numbers, screen
        return numbers[-1]

    return found


Typed = tuple[str, str | Callable[[str], str]]


def at_the_desk(place: Place, *answers: Typed, now: str = "2020-02-17T09:00", **more: str) -> str:
    environment = place.environment(now, **more)
    code, screen = typed(place.command(), environment, place.folder, [*answers, ("q to quit:", "q")])
    assert code == 0, screen
    return screen


def test_a_mailing_is_looked_at_rehearsed_and_sent_by_number(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        ask, sends = "q to quit:", number("Send invitation")
        screen = at_the_desk(place, (ask, number("Rehearse")), (ask, sends), ("To send 5 mails", "5"))
        assert "mkwmail send invitation --rehearse" in " ".join(screen.split())
        assert len(server.taken) == 5
    assert len(place.run("status", EVENT, "--json").json["rounds"][0]["sent"]) == 5


def test_the_first_steps_are_ticked_off(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    out = place.run().out
    assert "✓ Use your own member list" in out
    assert "· Rehearse " in out
    assert place.run("send", "invitation", "--rehearse").code == 0
    assert "✓ Rehearse\n" in place.run().out
    (place.folder / "leden.csv").write_bytes((Path("events") / "leden-voorbeeld.csv").read_bytes())
    assert "· Use your own member list" in place.run().out


def test_the_example_event_is_not_an_event_of_your_own(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    (path,) = (place.folder / "events").glob("*.yaml")
    example = (ROOT / "events" / EXAMPLE_EVENT).read_bytes()
    path.unlink()
    path = path.with_name(EXAMPLE_EVENT)
    path.write_bytes(example)
    assert "· Make an event of your own" in place.run(now="2020-01-10T09:00").out
    path.write_bytes(example.replace(b"title: Directeurendag", b"title: Voorjaarsdag"))
    assert "✓ Make an event of your own" in place.run(now="2020-01-10T09:00").out


def test_a_broken_off_mailing_is_finished_by_one_number_from_anywhere(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with ScriptedServer() as server:
        place = a_place(tmp_path / "dagen", server.port)
        (state := tmp_path / "state").mkdir()
        assert place.run("send", "invitation", "--yes", "--limit", "2", MKWMAIL_STATE=str(state)).code != 65
        environment = {**place.environment("2020-02-18T09:00"), "MKWMAIL_STATE": str(state)}
        command = [sys.executable, "-m", "mkwmail"]
        answers: list[Typed] = [
            ("q to quit:", number("Send invitation")),
            ("To send 3 mails", "3"),
            ("q to quit:", "q"),
        ]
        code, screen = typed(command, environment, home, answers)
        assert code == 0, screen
        assert f"In {place.folder}:" in " ".join(screen.split())
        assert "invitation: 2 of 5 sent; 3 are waiting" in screen
        assert sorted(each.recipients[0] for each in server.taken) == sorted(row.split(";")[3] for row in PEOPLE), (
            "everybody once"
        )


def test_of_two_folders_the_command_to_go_there_is_said(tmp_path: Path) -> None:
    (state := tmp_path / "state").mkdir()
    (home := tmp_path / "home").mkdir()
    places = [a_place(tmp_path / name) for name in ("een", "twee")]
    for place in places:
        assert place.run(MKWMAIL_STATE=str(state)).code == 0
    environment = {**places[0].environment(), "MKWMAIL_STATE": str(state)}
    code, screen = typed([sys.executable, "-m", "mkwmail", "check"], environment, home, [])
    assert code == 78
    for place in places:
        assert f"cd {place.folder}" in " ".join(screen.split()), screen
    # Nobody at the keyboard: another folder than this one is never taken.
    for command in (("due",), ("check", EVENT)):
        ran = places[0].run(*command, MKWMAIL_STATE=str(state), MKWMAIL_FOLDER=str(home))
        assert ran.code in (0, 78)


def test_a_second_working_folder_is_asked_about(tmp_path: Path) -> None:
    (state := tmp_path / "state").mkdir()
    place = a_place(tmp_path / "een")
    assert place.run(MKWMAIL_STATE=str(state)).code == 0
    environment = {**place.environment(""), "MKWMAIL_STATE": str(state)}
    command = [sys.executable, "-m", "mkwmail", "init", str(tmp_path / "twee")]
    code, screen = typed(command, environment, tmp_path, [("Make another one?", "n")])
    assert code == 130 and str(place.folder) in " ".join(screen.split())
    assert not (tmp_path / "twee").exists()


def test_the_guide_and_the_files_are_opened(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert place.run("open", "leden").out.strip().endswith("leden.csv")
    assert place.run("open").out.strip() == str(place.folder)
    assert place.run("open", "x").code == 2
    ran = place.run("guide", MKWMAIL_STATE=str(tmp_path / "state"))
    page = Path(ran.out.strip()).read_text(encoding="utf-8")
    assert "<h1" in page and 'href="beheer.html' in page and 'src="file://' in page
    assert place.run("guide", "x").code == 2
    ran = place.run("guide", "misgaat", MKWMAIL_STATE=str(tmp_path / "state"))
    file, _hash, heading = ran.out.strip().partition("#")
    assert f'id="{heading}"' in Path(file).read_text(encoding="utf-8")


@pytest.mark.parametrize("chapter", [*SECTIONS, *PAGES])
def test_every_chapter_is_a_page_or_a_heading_of_the_guide(chapter: str) -> None:
    page, heading = place_of(chapter)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert not heading or f'id="{heading}"' in guide_page(text, ROOT / "docs")
    assert set(CHAPTER_OF.values()) <= {*SECTIONS, *PAGES}


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("mkwmail.yaml", "sender: [", 78),
        ("mkwmail.yaml", "poort: 9\n", 78),
        ("leden.csv", "naam\nKim\n", 65),
        ("events/2020-04-16-directeurendag.yaml", "id: [", 65),
    ],
)
def test_the_desk_ends_with_the_code_of_a_file_that_cannot_be_read(
    tmp_path: Path, file: str, text: str, code: int
) -> None:
    place = a_place(tmp_path)
    assert place.run().code == 0
    place.write(file, text)
    ran = place.run()
    assert ran.code == code and f"{file}:" in ran.err and "mkwmail --help" in ran.out


def test_help_and_faults_name_the_chapter(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    assert "mkwmail guide inloggen" in place.run("--help").out
    assert "In the guide: mkwmail guide misgaat" in place.run("resolve", "--help").out
    assert "In the guide: mkwmail guide aanmeldingen" in place.run("answers", "import", "--help").out
    place.members("Kim;;Verbeek;kim@;Woonstede;")
    _code, screen = typed(place.command("send", "dir", "invitation"), place.environment(), place.folder, [])
    assert "In the guide: mkwmail guide ledenlijst" in screen
