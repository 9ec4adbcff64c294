"""The password is only where it was put, and what people wrote cannot act: not on a terminal, nor in Excel."""

import base64
import os
import re
from pathlib import Path

import pytest

from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
PASSWORD = "Zeer-geheim!7"
_TRACES = (
    PASSWORD,
    base64.b64encode(PASSWORD.encode()).decode(),
    base64.b64encode(f"\0u\0{PASSWORD}".encode()).decode(),
)


def _place(folder: Path, port: int, how: str) -> tuple[Place, dict[str, str]]:
    place = a_place(folder / "map", port)
    text = (place.folder / "mkwmail.yaml").read_text().replace("security: none", "security: none, username: u")
    environment = {"MKWMAIL_SMTP_PASSWORD": PASSWORD} if how == "environment" else {}
    if how == "file":
        kept = folder / "wachtwoord"
        kept.write_text(PASSWORD + "\n")
        kept.chmod(0o600)
        text = text.replace("username: u", f"username: u, password_file: {kept}")
    if how == "command":
        (folder / "geef").write_text(f"#!/bin/sh\necho '{PASSWORD}'\n")
        (folder / "geef").chmod(0o700)
        text = text.replace("username: u", f"username: u, password_command: {folder / 'geef'}")
    place.write("mkwmail.yaml", text)
    return place, environment


@pytest.mark.parametrize("how", ["environment", "file", "command"])
def test_the_password_is_written_nowhere(tmp_path: Path, how: str) -> None:
    said = []
    with ScriptedServer(users={"u": PASSWORD}) as server:
        place, environment = _place(tmp_path, server.port, how)
        # A server may repeat what it was given, in its own words or in those of the protocol.
        server.on("AUTH", f"535 5.7.8 {_TRACES[2]} is not {PASSWORD}", times=2)
        commands = (
            ("check", "directeurendag-2020", "--server", "--json"),
            ("send", "directeurendag-2020", "invitation", "--yes"),
            ("check", "directeurendag-2020", "--server"),
            ("send", "directeurendag-2020", "invitation", "--yes", "--json"),
            ("status", "directeurendag-2020", "--json"),
        )
        codes = []
        for words in commands:
            ran = place.run(*words, **environment)
            codes.append(ran.code)
            said.append(ran.out + ran.err)
        assert codes == [77, 77, 0, 0, 0]
        assert len(server.taken) == 5
    assert "***" in said[1]
    for path in place.folder.rglob("*"):
        if path.is_file():
            said.append(path.read_bytes().decode("latin-1"))
    assert [trace for trace in _TRACES for text in said if trace in text] == []


def test_what_a_list_says_acts_neither_on_the_terminal_nor_as_markup(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    place.members(
        "[red]Kim[/red];;Verbeek;kim@woonstede.example.org;[link=https://example.com]Woonstede[/link];directeur",
        *PEOPLE[1:],
    )
    shown = place.run("preview", "directeurendag-2020", "invitation", "--member", "Verbeek")
    assert "[red]Kim[/red]" in shown.out
    listed = place.run("send", "directeurendag-2020", "invitation", "--dry-run")
    place.members("Kim\x1b[2J\x07;;Ver\u202ebeek;kim@woonstede.example.org;Woonstede;directeur", *PEOPLE[1:])
    spoiled = place.run("check", "directeurendag-2020")
    for ran in (shown, listed, spoiled):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", ran.out + ran.err)


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_what_tells_of_members_is_for_its_owner_alone(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path / "map", server.port)
        made = {
            name: str(tmp_path / name) for name in ("mails", "page.html", "status.html", "status.csv", "answers.csv")
        }
        for words in (
            ("send", EVENT, "invitation", "--rehearse", "--yes"),
            ("preview", EVENT, "invitation", "--eml", made["mails"], "--html", made["page.html"]),
            ("send", EVENT, "invitation", "--yes"),
            ("status", EVENT, "--html", made["status.html"]),
            ("status", EVENT, "--csv", made["status.csv"]),
            ("answers", "list", EVENT, "--csv", made["answers.csv"]),
        ):
            assert place.run(*words).code == 0
    private = [Path(path) for path in made.values()] + [*(tmp_path / "mails").iterdir()]
    private += [place.folder / "rehearsal", *(place.folder / "rehearsal").iterdir()]
    private += [place.folder / "mkwmail-test.db", place.folder / "mkwmail-test.db-wire"]
    assert len(private) > 15
    assert [path for path in private if path.stat().st_mode & 0o077] == []


def test_what_comes_from_outside_acts_on_no_terminal(tmp_path: Path) -> None:
    evil = "\x1b[2J\x07\x9b1m\u202e"
    with ScriptedServer() as server:
        server.on("RCPT", "550 5.1.1 no \x1b[31m\x07\x9b2J", recipient="jan@dehaven.example.org")
        place = a_place(tmp_path, server.port)
        ran = [place.run("send", EVENT, "invitation", "--yes")]
        place.write(
            "form.csv", f"Naam;E-mail;Komt u?;Wens{evil}\nGast{evil};g{evil}@example.org;ja;{evil}\nEls;;{evil};\n"
        )
        ran.append(place.run("answers", "import", EVENT, str(tmp_path / "form.csv"), "--yes"))
        event = next((tmp_path / "events").iterdir())
        title = 'title: "Dag \\e[2J\\a\\u009b1m\\u202e"'
        event.write_text(event.read_text(encoding="utf-8").replace("title: Directeurendag", title), encoding="utf-8")
        commands = (
            ("answers", "list", EVENT),
            ("status", EVENT, "--skipped"),
            ("check", EVENT),
            ("schedule", EVENT),
            (),
        )
        ran += [place.run(*words) for words in (*commands, ("preview", EVENT, "invitation"))]
    assert [each.code for each in ran][:2] == [80, 0]
    for each in ran:
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", each.out + each.err)


def test_no_file_for_excel_starts_a_formula(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        place.members("=HYPERLINK(1);;+Verbeek;kim@woonstede.example.org;@SUM(A1);-directeur", *PEOPLE[1:])
        assert place.send().code == 0
        place.run("answers", "set", "directeurendag-2020", "kim@woonstede.example.org", "yes")
        for words in (("answers", "list"), ("status",)):
            file = tmp_path / "naar-excel.csv"
            assert place.run(*words, "directeurendag-2020", "--csv", str(file)).code == 0
            lines = file.read_text(encoding="utf-8-sig").splitlines()
            cells = [cell.strip('"') for line in lines for cell in line.split(";")]
            assert any("HYPERLINK" in cell for cell in cells)
            assert [cell for cell in cells if re.match(r"[=+@\t\r]|-[^\d]", cell)] == []
            file.unlink()
