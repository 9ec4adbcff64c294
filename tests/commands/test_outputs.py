"""Files that somebody asks for: never one of the folder's own, always a new one for its owner alone."""

import os
import re
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import typer.main

from mkwmail.cli import app
from tests.clients.mails import a_logo
from tests.smtp_server import ScriptedServer
from tests.workplace import EVENT as EXAMPLE
from tests.workplace import Place, Ran, a_place

EVENT = "directeurendag-2020"
posix = pytest.mark.skipif(os.name == "nt", reason="modes and named pipes are POSIX")

# Every option that writes a file, with its command; the file's name comes last.
FILES = {
    ("answers list", "--csv"): ("answers", "list", EVENT, "--csv"),
    ("status", "--csv"): ("status", EVENT, "--csv"),
    ("status", "--html"): ("status", EVENT, "--html"),
    ("about", "--html"): ("about", "Kim Verbeek", "--html"),
    ("preview", "--html"): ("preview", EVENT, "invitation", "--html"),
    ("preview", "--print"): ("preview", EVENT, "invitation", "--print"),
    ("calendar", "FILE"): ("calendar", EVENT),
    ("handover", "FILE"): ("handover", "--yes"),
}
DIRECTORIES = {("preview", "--eml"): ("preview", EVENT, "invitation", "--eml")}
READ = {
    *(("answers import", "FILE"), ("bounces import", "FILE..."), ("restore", "FILE")),
    *(("takeover", "FILE"), ("init", "FOLDER"), ("mkwmail", "--folder")),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A folder of which the invitation was sent."""
    with ScriptedServer() as server:
        made = a_place(tmp_path / "map", server.port)
        assert made.send().code == 0
        yield made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(ran: Ran, path: Path | str, because: str) -> None:
    assert ran.code == 2, ran.out + ran.err
    assert f"{path}: {because}" in " ".join(ran.err.split())
    assert "→ give" in ran.err


def _of(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    # typer's own click has no types.
    for parameter in group.params:
        yield name, parameter
    for part, command in getattr(group, "commands", {}).items():
        yield from _of(command, part if name == "mkwmail" else f"{name} {part}")


def test_every_option_that_takes_a_path_is_known_to_these_tests() -> None:
    paths = {
        (name, parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar)
        for name, parameter in _of(typer.main.get_command(app), "mkwmail")
        if parameter.metavar in ("FILE", "FILE...", "FOLDER")
    }
    assert paths == {*FILES, *DIRECTORIES, *READ}


@pytest.mark.parametrize("words", FILES.values(), ids=map(" ".join, FILES))
def test_no_command_writes_over_the_member_list(place: Place, words: tuple[str, ...]) -> None:
    before = contents(place.folder)
    for name in ("leden.csv", "events/../leden.csv", "Leden.CSV"):
        path = f"{place.folder}/{name}"
        refused(place.run(*words, path), path, "this is the member list of this folder → give another name")
    assert contents(place.folder) == before


def test_no_command_writes_over_any_of_the_folders_own_files(place: Place) -> None:
    place.write("events/programma.pdf", "%PDF")
    place.write("templates/invitation.md", (EXAMPLE.parent.parent / "templates/invitation.md").read_text())
    place.write("backups/mkwmail-2020.db", "a copy")
    place.write("mkwmail.db.before-7", "a copy")
    before = contents(place.folder)
    own = {
        "mkwmail.yaml": "the settings file",
        "mkwmail-test.db": "part of the ledger",
        "mkwmail-test.db-wire": "part of the ledger",
        "mkwmail-test.id": "part of the ledger",
        "mkwmail-test.db-wal": "part of the ledger",  # not there now
        "mkwmail.db": "part of the ledger",
        "mkwmail.db.before-7": "part of the ledger",
        f"events/{EXAMPLE.name}": "an event file",
        "events/programma.pdf": "in events/",
        "events/nieuw.yaml": "an event file",
        "templates/invitation.md": "templates/ is for",
        "templates/thanks.md": "templates/ is for",
        "backups/mkwmail-2020.db": "backups/ is for",
    }
    for name, words in own.items():
        ran = place.run("status", EVENT, "--csv", str(place.folder / name))
        assert (ran.code, words in ran.err) == (2, True), (name, ran.err)
    assert contents(place.folder) == before
    assert place.send().json["sent"] == 0, "and the ledger still knows who has it"


def test_another_name_of_the_list_is_the_list(place: Place) -> None:
    before = (place.folder / "leden.csv").read_bytes()
    os.link(place.folder / "leden.csv", place.folder / "hard.csv")
    (place.folder / "soft.csv").symlink_to("leden.csv")
    for name in ("hard.csv", "soft.csv"):
        path = place.folder / name
        refused(place.run("status", EVENT, "--csv", str(path)), path, "this is the member list")
    assert (place.folder / "leden.csv").read_bytes() == before


def test_an_own_file_that_is_a_link_to_elsewhere_is_not_replaced(place: Place, tmp_path: Path) -> None:
    (tmp_path / "gedeeld").mkdir()
    for name in (f"events/{EXAMPLE.name}", "templates/thanks.md", "leden.csv", "mkwmail-test.db"):
        there, here = tmp_path / "gedeeld" / Path(name).name, place.folder / name
        here.parent.mkdir(exist_ok=True)
        there.write_bytes(here.read_bytes() if here.exists() else b"x")
        here.unlink(missing_ok=True)
        here.symlink_to(there)
        for path in (here, there):
            ran = place.run("status", "--csv", str(path))
            assert ran.code == 2, (path, ran.out, ran.err)
        assert here.is_symlink()


def test_the_list_is_the_one_that_the_settings_name(place: Place) -> None:
    (place.folder / "leden.csv").rename(place.folder / "relaties.csv")
    settings = (place.folder / "mkwmail.yaml").read_text().replace("leden.csv", "relaties.csv")
    # A fault elsewhere in the settings does not hide it.
    place.write("mkwmail.yaml", f"{settings}pace: {{connections: veel}}\n")
    path = place.folder / "relaties.csv"
    refused(place.run("status", EVENT, "--csv", str(path)), path, "this is the member list")
    assert place.run("status", EVENT, "--csv", str(place.folder / "leden.csv")).code == 0


def test_while_the_settings_cannot_be_read_nothing_that_is_there_is_replaced(place: Place) -> None:
    place.write("mkwmail.yaml", "members: [\n")
    path = place.folder / "leden.csv"
    refused(place.run("status", EVENT, "--csv", str(path)), path, "mkwmail.yaml cannot be read, so this may be")
    assert place.run("status", EVENT, "--csv", str(place.folder / "nieuw.csv")).code == 0


def test_the_files_of_another_working_folder_are_not_written_over_either(place: Place, tmp_path: Path) -> None:
    other = a_place(tmp_path / "ander")
    path = other.folder / "leden.csv"
    refused(place.run("status", EVENT, "--csv", str(path)), path, "this is the member list")


@pytest.mark.parametrize("name", ["events", "templates", "backups", "events/mails", "events/../templates"])
def test_mails_are_not_written_among_the_folders_own_files(place: Place, name: str) -> None:
    path = f"{place.folder}/{name}"
    ran = place.run("preview", EVENT, "invitation", "--eml", path)
    refused(ran, path, "this folder is for mkwmail's own files → give another folder, for example mails")
    sent = place.run("preview", EVENT, "invitation", "--sent", "--member", "Kim Verbeek", "--eml", path)
    refused(sent, path, "this folder is for mkwmail's own files")


def test_a_mail_is_not_written_over_the_list_of_the_same_name(place: Place) -> None:
    (place.folder / "leden.csv").rename(place.folder / "001-kim-verbeek.eml")
    place.write("mkwmail.yaml", (place.folder / "mkwmail.yaml").read_text().replace("leden.csv", "001-kim-verbeek.eml"))
    ran = place.run("preview", EVENT, "invitation", "--eml", str(place.folder))
    refused(ran, place.folder / "001-kim-verbeek.eml", "this is the member list")


@posix
@pytest.mark.parametrize("words", FILES.values(), ids=map(" ".join, FILES))
def test_a_file_that_is_there_is_replaced_by_one_for_its_owner_alone(
    place: Place, tmp_path: Path, words: tuple[str, ...]
) -> None:
    path, other = tmp_path / "bestuur", tmp_path / "archief"
    path.write_text("old")
    path.chmod(0o644)
    os.link(path, other)
    assert place.run(*words, str(path)).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size > 100
    assert other.read_text() == "old", "a hard link is not written through"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["archief", "bestuur", "map"]


@posix
def test_a_link_is_replaced_and_the_file_that_it_leads_to_stays(place: Place, tmp_path: Path) -> None:
    (tmp_path / "archief").write_text("old")
    (tmp_path / "bestuur").symlink_to("archief")
    assert place.run("status", EVENT, "--csv", str(tmp_path / "bestuur")).code == 0
    assert not (tmp_path / "bestuur").is_symlink()
    assert (tmp_path / "archief").read_text() == "old"


@posix
def test_mails_that_are_there_are_replaced_likewise(place: Place, tmp_path: Path) -> None:
    mails = tmp_path / "mails"
    mails.mkdir()
    (mails / "001-kim-verbeek.eml").write_text("old")
    (mails / "001-kim-verbeek.eml").chmod(0o644)
    assert place.run("preview", EVENT, "invitation", "--eml", str(mails)).code == 0
    assert {stat.S_IMODE(path.stat().st_mode) for path in mails.iterdir()} == {0o600}
    assert len(list(mails.iterdir())) == 5


@pytest.mark.parametrize("words", FILES.values(), ids=map(" ".join, FILES))
def test_what_is_no_ordinary_file_is_refused_with_a_sentence(
    place: Place, tmp_path: Path, words: tuple[str, ...]
) -> None:
    if sys.platform == "win32":
        pytest.skip("named pipes are POSIX")
    pipe = tmp_path / "pijp"
    os.mkfifo(pipe)
    for path, why in (
        (pipe, "it is a pipe or a device"),
        (Path(os.devnull), "it is a pipe"),
        (tmp_path, "it is a fold"),
    ):
        ran = place.run(*words, str(path))
        assert ran.code == 2
        assert f"{path}: cannot be written: {why}" in " ".join(ran.err.split())
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_nothing_is_left_of_a_file_that_cannot_be_written(place: Place, tmp_path: Path) -> None:
    ran = place.run("status", EVENT, "--csv", str(tmp_path / "weg" / "bestuur.csv"))
    assert (ran.code, "it does not exist" in ran.err) == (2, True)
    assert [each.name for each in tmp_path.iterdir()] == ["map"]


# Files made for the secretary are no attachments


def attached(place: Place, *names: str) -> Ran:
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "    send: 2020-02-17 09.00", f"    send: 2020-02-17 09.00\n    attachments: [{', '.join(names)}]", 1
    )
    place.write(f"events/{EXAMPLE.name}", text)
    return place.run("check", EVENT, "--json")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_export_goes_along_with_a_mail_whatever_its_name(place: Place, tmp_path: Path, language: str) -> None:
    for number, words in enumerate(FILES.values()):
        made = tmp_path / f"export-{number}"
        assert place.run(*words, str(made), MKWMAIL_LANG=language).code == 0
        # Renamed and copied.
        (place.folder / "events" / f"{number}.pdf").write_bytes(made.read_bytes())
    assert place.run("preview", EVENT, "invitation", "--eml", str(tmp_path / "mails")).code == 0
    (place.folder / "events" / "mail.txt").write_bytes(next((tmp_path / "mails").iterdir()).read_bytes())
    calendar = list(FILES).index(("calendar", "FILE"))
    names = [f"{number}.pdf" for number in range(len(FILES)) if number != calendar]
    ran = attached(place, *names, "mail.txt")
    assert ran.code == 65
    assert [fault["fault"] for fault in ran.json["faults"]] == [
        f'attachments: "{name}" is not mailed: mkwmail made this file for you, not for the members'
        for name in (*names, "mail.txt")
    ]
    line = next(
        number
        for number, each in enumerate((place.folder / "events" / EXAMPLE.name).read_text("utf-8").split("\n"), start=1)
        if "attachments: [0.pdf" in each
    )
    assert {fault["place"].split(":")[1] for fault in ran.json["faults"]} == {str(line)}
    assert attached(place, f"{calendar}.pdf").code == 0, "a calendar entry is for everybody"


def test_nothing_of_the_folders_own_goes_along_with_a_mail(place: Place) -> None:
    os.link(place.folder / "leden.csv", place.folder / "events" / "hard.csv")
    (place.folder / "events" / "soft.csv").symlink_to("../leden.csv")
    (place.folder / "events" / "kopie.txt").write_bytes((place.folder / "leden.csv").read_bytes())
    with (
        closing(sqlite3.connect(place.folder / "mkwmail-test.db")) as ledger,
        closing(sqlite3.connect(place.folder / "kopie.db")) as copy,
    ):
        ledger.backup(copy)
    place.write("templates/signature.md", "x")
    own = {
        "../leden.csv": "this is the member list of this folder",
        "hard.csv": "this is the member list of this folder",
        "soft.csv": "this is the member list of this folder",
        "kopie.txt": "this is a copy of the member list",
        "../mkwmail.yaml": "this is the settings file of this folder",
        "../mkwmail-test.db": "this is part of the ledger of this folder",
        "../mkwmail-test.id": "this is part of the ledger of this folder",
        "../kopie.db": "mkwmail made this file for you, not for the members",
        "../templates/signature.md": "templates/ is for the texts of the mails",
        EXAMPLE.name: "this is an event file, or would be read as one",
    }
    ran = attached(place, *own)
    assert [fault["fault"] for fault in ran.json["faults"]] == [
        f'attachments: "{name}" is not mailed: {why}' for name, why in own.items()
    ]


def test_a_fault_of_the_attachments_stops_the_mailing(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        attached(place, "../leden.csv")
        assert place.run("send", EVENT, "invitation", "--yes").code == 65
        assert server.taken == []


# The page that a browser shows


def shown(place: Place, *words: str) -> Ran:
    visitor = place.folder.parent / "visitor.py"
    visitor.write_text("import sys; open(__file__ + '.seen', 'a').write(sys.argv[1] + '\\n')", encoding="utf-8")
    command = f"{sys.executable} {visitor} %s"
    return place.run("preview", EVENT, "invitation", "--browser", *words, DISPLAY=":0", BROWSER=command)


@posix
def test_the_page_that_a_browser_shows_stays_in_the_folder(place: Place) -> None:
    assert shown(place).code == 0
    page = place.folder / "preview" / "index.html"
    first = page.read_text(encoding="utf-8")
    assert "kim@woonstede.example.org" in first
    assert [stat.S_IMODE(path.stat().st_mode) for path in (page.parent, page)] == [0o700, 0o600]
    page.parent.chmod(0o755)
    assert shown(place, "--one-per-letter").code == 0
    assert page.read_text(encoding="utf-8") != first
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]
    assert (place.folder.parent / "visitor.py.seen").read_text().split() == [page.as_uri()] * 2


@posix
def test_a_page_is_not_written_through_a_link_out_of_the_folder(place: Place, tmp_path: Path) -> None:
    (tmp_path / "elders").mkdir()
    (place.folder / "preview").symlink_to(tmp_path / "elders")
    ran = shown(place)
    assert (ran.code, "this is a link" in ran.err) == (2, True)
    assert list((tmp_path / "elders").iterdir()) == []


def test_a_picture_in_a_text_is_in_the_mail_itself(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    event = tmp_path / "events" / EXAMPLE.name
    picture = a_logo(900).data
    (event.parent / "zaal.png").write_bytes(picture)
    text = event.read_text(encoding="utf-8")
    text = text.replace("introduction: |\n", "introduction: |\n  ![De zaal van boven](zaal.png)\n\n", 1)
    event.write_text(text, encoding="utf-8")
    place.run("preview", EVENT, "invitation", "--member", "kim", "--eml", str(tmp_path / "eml"))
    mail = message_from_bytes(next((tmp_path / "eml").iterdir()).read_bytes(), policy=default)
    related = next(part for part in mail.walk() if part.get_content_type() == "multipart/related")
    page, image = related.iter_parts()
    assert image.get_content() == picture
    assert image["Content-Disposition"].content_disposition == "inline"
    (shown,) = re.findall(r"<img[^>]*>", page.get_content())
    assert 'width="544"' in shown and 'alt="De zaal van boven"' in shown and "max-width: 100%" in shown
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in shown
    body = mail.get_body(("plain",))
    assert body is not None and "[De zaal van boven]" in body.get_content() and "zaal.png" not in body.get_content()

    # Another picture under the same name needs another approval.
    assert place.run("schedule", EVENT, "invitation", "--yes").code == 0
    (event.parent / "zaal.png").write_bytes(a_logo(800).data)
    late = place.run("due")
    assert "zaal.png" in late.out + late.err and late.code != 0


@posix
def test_a_rehearsal_is_shown_in_the_browser_on_request(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    browser = {"DISPLAY": ":0", "BROWSER": f"{sys.executable} -c \"import sys; print('seen', sys.argv[1])\" %s"}
    shown = place.run("send", EVENT, "invitation", "--rehearse", "--browser", **browser)
    assert shown.code == 0 and "is in your browser" in shown.out
    assert (place.folder / "rehearsal" / "index.html").as_uri() in shown.out
    assert "seen" not in place.run("send", EVENT, "invitation", "--rehearse", **browser).out
    assert place.run("send", EVENT, "invitation", "--browser", **browser).code == 2
