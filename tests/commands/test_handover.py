"""``handover`` and ``takeover``: only one folder sends, even if files are copied, opened twice or undone."""

import hashlib
import io
import json
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.keyboard import typed
from tests.smtp_server import DROP, Call, ScriptedServer
from tests.workplace import PEOPLE, Place, Ran, a_place

EVENT = "directeurendag-2020"
LIST = "mkwmail-handover.json"


@pytest.fixture
def place(tmp_path: Path, server: ScriptedServer) -> Place:
    return a_place(tmp_path / "werkmap", server.port)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "overdracht.mkwmail"


def on(computer: str, place: Place, *words: str) -> Ran:
    """Run the program with the notes of a computer, or of one of its users."""
    return place.run(*words, MKWMAIL_STATE=str(place.folder.parent / f"state-{computer}"))


def sent_from(computer: str, place: Place) -> Ran:
    return on(computer, place, "send", EVENT, "invitation", "--yes", "--json")


def at_keyboard(computer: str, place: Place, *words: str, answers: list[tuple[str, str]]) -> tuple[int, str]:
    environment = place.environment(MKWMAIL_STATE=str(place.folder.parent / f"state-{computer}"))
    return typed(place.command(*words), environment, place.folder.parent, answers)


def handed_over(place: Place, file: Path) -> Ran:
    ran = on("a", place, "handover", str(file), "--yes")
    assert ran.code == 0, ran.err
    return ran


def elsewhere(place: Place, name: str = "elders") -> Place:
    return Place(place.folder.with_name(name))


def test_the_other_folder_goes_on_and_this_one_sends_nothing_more(
    place: Place, file: Path, server: ScriptedServer
) -> None:
    assert on("a", place, "send", EVENT, "invitation", "--yes", "--limit", "2").code == 75
    (place.folder / "templates").mkdir()
    place.write("templates/phrases.txt", "")
    place.write("rehearsal/x.eml", "x")
    place.write(".netrc", "password")
    place.write("wachtwoord.txt", "geheim")
    place.settings(server.port, "backup: {keep: 3}\n")
    (place.folder / "link.csv").symlink_to(place.folder / "leden.csv")
    said = handed_over(place, file).out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for left in ("rehearsal/", "backups/", ".netrc", "link.csv", "login"):
        assert left in said
    for command in (("send", EVENT, "invitation", "--yes"), ("due",), ("schedule", EVENT, "reminder", "--yes")):
        ran = on("a", place, *command)
        assert (ran.code, "was handed over" in ran.err) == (78, True), command
    assert "was handed over" in on("a", place).err
    assert "was handed over" in on("a", place, "skip", "Kim Verbeek", "--reason", "x").err

    other = elsewhere(place)
    ran = on("b", other, "takeover", str(file), "--yes")
    assert ran.code == 0, ran.err
    assert all(left in ran.out for left in ("rehearsal/", "backups/", ".netrc", "link.csv", "login"))
    names = {path.relative_to(other.folder).as_posix() for path in other.folder.rglob("*") if path.is_file()}
    assert {"mkwmail.yaml", "leden.csv", "mkwmail-test.db", "templates/phrases.txt"} <= names
    assert not any(name.startswith(("rehearsal", "backups", ".netrc", "link")) for name in names)
    assert sent_from("b", other).code == 0
    members = [each.recipients[0] for each in server.taken if each.recipients[0] != "secretaris@example.org"]
    assert sorted(members) == sorted(row.split(";")[3] for row in PEOPLE)


def test_a_run_under_way_is_not_handed_over(place: Place, file: Path, server: ScriptedServer) -> None:
    seen: list[Ran] = []
    server.on("DOT", Call(lambda: seen.append(on("a", place, "handover", str(file), "--yes"))), skip=1, times=1)
    assert sent_from("a", place).code == 0
    assert seen[0].code == 73 and not file.exists()


def test_mail_in_doubt_goes_along_and_is_named_on_both_sides(place: Place, file: Path, server: ScriptedServer) -> None:
    server.on("DOT", DROP, recipient="kim@woonstede.example.org", times=1)
    sent_from("a", place)
    assert "Kim Verbeek" in handed_over(place, file).out
    other = elsewhere(place)
    ran = on("b", other, "takeover", str(file), "--yes")
    assert "Kim Verbeek <kim@woonstede.example.org>" in ran.out
    sent_from("b", other)
    taken = [each.recipients[0] for each in server.taken]
    assert len(taken) == len(set(taken))
    assert "Kim Verbeek" in on("b", other, "status", EVENT).out


def test_taken_over_twice_on_one_computer_is_refused(place: Place, file: Path, server: ScriptedServer) -> None:
    handed_over(place, file)
    copy = file.with_name("kopie.mkwmail")
    copy.write_bytes(file.read_bytes())
    first, second = elsewhere(place, "een"), elsewhere(place, "twee")
    assert on("b", first, "takeover", str(file), "--yes").code == 0
    for each in (file, copy):
        ran = on("b", second, "takeover", str(each), "--yes")
        assert ran.code == 78 and "in use in" in ran.err and not second.folder.exists()
    assert sent_from("b", first).code == 0
    # The first one is gone: its later mail is missed by the file.
    first.folder.rename(first.folder.with_name("weg"))
    assert on("b", second, "takeover", str(file), "--yes").code == 74
    assert len(server.taken) == 5


def test_a_folder_that_was_moved_after_it_was_taken_over_no_longer_sends_if_the_file_is_opened_again(
    place: Place, file: Path, server: ScriptedServer
) -> None:
    handed_over(place, file)
    first, second = elsewhere(place, "een"), elsewhere(place, "twee")
    assert on("b", first, "takeover", str(file), "--yes").code == 0
    moved = Place(first.folder.rename(first.folder.with_name("verhuisd")))
    assert on("b", second, "takeover", str(file), "--yes").code == 0
    assert sent_from("b", moved).code == 78
    assert sent_from("b", second).code == 0
    assert len(server.taken) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_undo_asks_a_person_and_deletes_the_file(place: Place, file: Path, server: ScriptedServer) -> None:
    copy = file.with_name("kopie.mkwmail")
    handed_over(place, file)
    copy.write_bytes(file.read_bytes())
    assert on("a", place, "handover", "--undo").code == 78
    assert sent_from("a", place).code == 78
    code, _screen = at_keyboard("a", place, "handover", "--undo", answers=[("Type yes:", "j")])
    assert code == 130 and file.exists() and sent_from("a", place).code == 78
    code, screen = at_keyboard("a", place, "handover", "--undo", answers=[("Type yes:", "yes")])
    assert code == 0 and not file.exists(), screen
    # A copy of the file is older than the folder is now.
    assert on("a", elsewhere(place), "takeover", str(copy), "--yes").code == 78
    assert sent_from("a", place).code == 0
    assert len(server.taken) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_undo_is_refused_if_it_was_taken_over_on_this_computer(place: Place, file: Path) -> None:
    handed_over(place, file)
    other = elsewhere(place)
    assert on("a", other, "takeover", str(file), "--yes").code == 0
    assert at_keyboard("a", place, "handover", "--undo", answers=[])[0] == 78
    assert sent_from("a", other).code == 0


def test_it_can_be_handed_back(place: Place, file: Path, server: ScriptedServer) -> None:
    place.members(*PEOPLE[:2])
    assert sent_from("a", place).code == 0
    handed_over(place, file)
    other, back = elsewhere(place), elsewhere(place, "terug")
    assert on("b", other, "takeover", str(file), "--yes").code == 0
    other.members(*PEOPLE[:4])
    assert sent_from("b", other).code == 0
    file.unlink()
    assert on("b", other, "handover", str(file), "--yes").code == 0
    assert on("a", back, "takeover", str(file), "--yes").code == 0
    back.members(*PEOPLE)
    assert sent_from("a", back).code == 0
    assert [sent_from("a", place).code, sent_from("b", other).code] == [78, 78]
    assert len(server.taken) == 5


def test_a_place_where_the_file_cannot_be_written_closes_nothing(place: Place) -> None:
    assert on("a", place, "handover", str(place.folder / "nergens" / "x.mkwmail"), "--yes").code == 74
    assert on("a", place, "handover", str(place.folder / "leden.csv"), "--yes").code == 2
    assert sent_from("a", place).code == 0


def test_a_file_inside_the_folder_is_not_in_itself(place: Place) -> None:
    file = place.folder / "overdracht.mkwmail"
    for _each in range(2):
        assert on("a", place, "handover", str(file), "--yes").code == 0
        with zipfile.ZipFile(file) as opened:
            assert not any(name.endswith(".mkwmail") or name.endswith(".new") for name in opened.namelist())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_password_command_is_shown_and_confirmed(
    place: Place, file: Path, server: ScriptedServer, answer: str
) -> None:
    place.write(
        "mkwmail.yaml",
        "association: MKW Platform\nsender: {name: Lilian van Zandbrink, email: secretaris@example.org}\n"
        f"smtp:\n  host: 127.0.0.1\n  port: {server.port}\n  security: none\n  password_command: touch gevaar\n",
    )
    handed_over(place, file)
    other = elsewhere(place)
    answers = [("Take over? y/n:", "y"), ("May it run on this computer?", answer)]
    code, screen = at_keyboard("b", other, "takeover", str(file), answers=answers)
    assert code == 0 and '"touch gevaar"' in screen
    assert ("touch gevaar" in (other.folder / "mkwmail.yaml").read_text()) == (answer == "y")


def test_without_a_terminal_a_password_command_is_cleared(place: Place, file: Path, server: ScriptedServer) -> None:
    more = "smtp: {host: 127.0.0.1, port: 1, security: none, password_command: 'touch gevaar'}\n"
    text = (place.folder / "mkwmail.yaml").read_text().partition("smtp:")[0]
    place.write("mkwmail.yaml", text + more)
    handed_over(place, file)
    other = elsewhere(place)
    assert on("b", other, "takeover", str(file), "--yes").code == 0
    assert "gevaar" not in (other.folder / "mkwmail.yaml").read_text()


def changed(file: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """Rewrite the archive with other files, and a list that fits them."""
    with zipfile.ZipFile(file) as opened:
        files = {name: opened.read(name) for name in opened.namelist() if name != LIST}
        listed = json.loads(opened.read(LIST))
    change(files)
    listed["files"] = {name: [len(data), hashlib.sha256(data).hexdigest()] for name, data in files.items()}
    with zipfile.ZipFile(file, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
        opened.writestr(LIST, json.dumps(listed))


@pytest.mark.parametrize(
    "name",
    (
        *("../buiten.txt", "/tmp/buiten.txt", "a/../../buiten", "C:\\buiten", "a\\..\\b", ".bashrc", "events/.git/x"),
        *("aux.txt", "mkwmail-test.db-wal", "mkwmail.db", "LEDEN.CSV", "leden.csv/x", "x\u202e/../y", "a/" * 30 + "b"),
    ),
)
def test_a_name_that_leads_elsewhere_is_refused(place: Place, file: Path, name: str) -> None:
    handed_over(place, file)
    changed(file, lambda files: files.update({name: b"x"}))
    ran = on("b", elsewhere(place), "takeover", str(file), "--yes")
    assert ran.code == 65, ran.err
    assert not elsewhere(place).folder.exists()
    assert sorted(path.name for path in place.folder.parent.iterdir() if path.name.startswith(".")) == []


def _link(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as opened:
        entry = zipfile.ZipInfo("events/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(entry, "/etc/passwd")


def _bomb(file: Path) -> None:
    changed(file, lambda files: files.update({"groot.txt": b""}))
    with zipfile.ZipFile(file) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    files["groot.txt"] = b"\0" * 50_000_000
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)


def _torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def _flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0xFF
    file.write_bytes(bytes(data))


def _another_zip(file: Path) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as opened:
        opened.writestr("mkwmail.yaml", "x")
    file.write_bytes(memory.getvalue())


def _text(file: Path) -> None:
    file.write_text("geen archief")


@pytest.mark.parametrize("spoil", [_link, _bomb, _torn, _flipped, _another_zip, _text])
def test_a_spoiled_file_is_refused_and_leaves_nothing(place: Place, file: Path, spoil: Callable[[Path], None]) -> None:
    handed_over(place, file)
    spoil(file)
    ran = on("b", elsewhere(place), "takeover", str(file), "--yes")
    assert ran.code == 65, ran.err
    assert not elsewhere(place).folder.exists()
    assert not [path for path in place.folder.parent.iterdir() if path.name.startswith(".")]


def test_a_folder_with_something_in_it_is_not_taken_over_into(place: Place, file: Path) -> None:
    handed_over(place, file)
    other = elsewhere(place)
    other.write("iets.txt", "x")
    assert on("b", other, "takeover", str(file), "--yes").code == 2
    (other.folder / "iets.txt").unlink()
    assert on("b", other, "takeover", str(file), "--yes").code == 0


def test_an_older_backup_opens_no_folder_that_was_handed_over(place: Place, file: Path, server: ScriptedServer) -> None:
    assert sent_from("a", place).code == 0
    handed_over(place, file)
    (place.folder / "mkwmail-test.db").unlink()
    ran = on("a", place, "restore", "--yes")
    assert ran.code == 78 and "handed over" in ran.err
    assert sent_from("a", place).code == 78
    assert len(server.taken) == 5
