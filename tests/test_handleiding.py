"""The Dutch guide: every command in it exists, every picture is there, and what it promises happens."""

import re
from pathlib import Path

import pytest
import yaml

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.test_docs import _commands, _named
from tests.workplace import ROOT, Place

DOCS = ROOT / "docs"
PAGES = ("handleiding.md", "beheer.md", "overnemen.md", "formulieren.md", "microsoft365.md", "google.md")
EVENT = "directeurendag-2020"
NO_BROWSER = {"DISPLAY": ":0", "BROWSER": "true %s"}  # a browser that opens nothing


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def command_lines(page: str) -> list[str]:
    """Return the commands that a page shows, in blocks and in sentences."""
    blocks = re.findall(r"```sh\n(.*?)```", text_of(page), re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(mkwmail \w[^`]*)`", text_of(page))
    return [line.removeprefix("mkwmail ") for line in lines if line.startswith("mkwmail ")]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_exists(page: str) -> None:
    commands = _commands()
    lines = command_lines(page)
    assert len(lines) > 3
    for line in lines:
        if line.startswith("--"):
            continue
        name, rest = _named(line)
        assert name in commands, line
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= commands[name] | {"--help"}, line


ALL_PAGES = sorted(each for folder in (ROOT, DOCS) for each in folder.glob("*.md"))


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "mailto:")):
            continue
        name, _hash, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file.read_text(encoding="utf-8")), target


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_glossary_has_the_words_that_the_program_uses() -> None:
    """The Dutch words of a mailing's states, as the catalogue has them."""
    from tools.messages import catalogue

    dutch = {message.id: message.string for message in catalogue("nl") if isinstance(message.id, str)}
    glossary = text_of("handleiding.md").partition("## Woordenlijst")[2]
    for word in ("refused", "deferred", "in doubt", "skipped", "guest", "sent"):
        assert re.search(rf"\b{dutch[word]}\b", glossary), word


def test_the_way_of_the_guide_ends_with_the_mails_sent(tmp_path: Path) -> None:
    """A folder, an event and a list of one's own; look, rehearse, send, remind, thank: as the guide says it."""
    place = Place(tmp_path / "bijeenkomsten")

    def type_in(line: str, now: str, *answers: tuple[str, str]) -> str:
        assert line in said, line
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
        environment = {**place.environment(now), **NO_BROWSER}
        folder = place.folder if place.folder.exists() else tmp_path
        command = [part for part in place.command(*words) if words[0] != "init" or "--folder" not in part]
        if words[0] == "init":
            command.remove(str(place.folder))
        code, screen = typed(command, environment, folder, answers)
        assert code == 0, screen
        return screen

    said = command_lines("handleiding.md")
    with ScriptedServer() as server:
        type_in("init bijeenkomsten", "2020-01-06T10:00", *[(f"{n}.", "") for n in range(1, 9)])
        settings = (place.folder / "mkwmail.yaml").read_text(encoding="utf-8")
        assert yaml.safe_load(settings)["language"] == "nl"
        settings = re.sub(r"smtp:\n(?:  .*\n)+", "", settings).replace("form: u", "form: je")
        server_line = f"smtp: {{host: 127.0.0.1, port: {server.port}, security: none}}"
        place.write("mkwmail.yaml", f"{settings}\n{server_line}\n")
        place.members(
            "Kim Verbeek;kim@example.org;Eén",
            "Jan Vos;jan@example.org;Twee",
            "Bo Kok;bo@example.org;Drie",
            headings="naam;e-mail;organisatie",
        )
        assert "Geen fouten; 1 ding om na te kijken." in type_in("check", "2020-01-20T09:00")
        type_in("send vooraankondiging", "2020-01-20T09:00", ("om 3 mails te versturen:", "3"))
        type_in("send uitnodiging --rehearse --browser", "2020-02-17T09:00")
        sent = type_in("send uitnodiging", "2020-02-17T09:00", ("om 3 mails te versturen:", "3"))
        assert "3 mails verstuurd" in sent
        type_in('answers set "Kim Verbeek" ja', "2020-03-01T09:00")
        assert "2 mails verstuurd" in type_in("send herinnering", "2020-03-23T09:00", ("om 2 mails te versturen:", "2"))
        listed = type_in(f"answers list {EVENT} --csv aanwezig.csv", "2020-04-17T09:00")
        assert "aanwezig.csv" in listed
        edited = (place.folder / "aanwezig.csv").read_text(encoding="utf-8-sig")
        edited = edited.replace(";komt;komt;", ";aanwezig geweest;komt;")
        (place.folder / "aanwezig.csv").write_text(edited, encoding="utf-8-sig")
        type_in(f"answers import {EVENT} aanwezig.csv", "2020-04-17T10:00", ("Dit vastleggen? j/n:", "j"))
        assert "1 mail verstuurd" in type_in(
            f"send {EVENT} bedankmail", "2020-04-20T09:00", ("om 1 mail te versturen:", "1")
        )
        type_in(f"status {EVENT} --html bestuur.html", "2020-05-01T09:00")
        assert "1 aanwezig geweest" in (place.folder / "bestuur.html").read_text(encoding="utf-8")
        assert [len(each.recipients) for each in server.taken] == [1] * 9


def test_the_ten_lines_of_the_first_page_end_with_a_rehearsal_of_the_readers_event(tmp_path: Path) -> None:
    first_page = text_of("handleiding.md").partition("Verder volgt deze handleiding")[0]
    lines = re.findall(r"^\d+\. `([^`]+)`", first_page, re.MULTILINE)
    place = Place(tmp_path / "bijeenkomsten")
    now = "2026-11-27T10:00"
    told = (
        "Ledenvereniging",
        "Kim Verbeek",
        "kim@example.org",
        "secretaris",
        "030 000 00 00",
        "smtp.example.org",
        "je",
        "Ledendag",
        "2027-04-15",
        "Ede",
    )
    typing = {
        "mkwmail init bijeenkomsten": [(f"{n}.", answer) for n, answer in enumerate(told, 1)],
        "mkwmail preview uitnodiging": [("q stoppen", "q")],
        "mkwmail": [("q om te stoppen:", "q")],
    }
    environment = {**place.environment(now), **NO_BROWSER}
    screens = {}
    for line in lines:
        _mkwmail, *words = line.split()
        if line.startswith("cd ") or words[:1] in (["open"], ["guide"]):
            continue  # A program or browser of this computer would open.
        command = place.command(*words)
        if words[:1] == ["init"]:
            command = [part for part in command if part not in ("--folder", str(place.folder))]
        folder = place.folder if place.folder.exists() else tmp_path
        code, screens[line] = typed(command, environment, folder, typing.get(line, []))
        assert code == 0, screens[line]
    assert len(lines) == 9 and "\n10. `mkwmail guide`" in first_page
    assert "Ledendag, do 15 april" in screens["mkwmail preview uitnodiging"]
    rehearsed = (place.folder / "rehearsal" / "index.html").read_text(encoding="utf-8")
    assert "Ledendag" in rehearsed
    assert "ledendag-2027" in screens["mkwmail"]
