"""Backups of the ledger, and ``restore``: nobody is mailed twice, and nothing of a forgotten person comes back."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
LATER = "2020-03-23T10:00"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, server: ScriptedServer) -> Place:
    return a_place(tmp_path, server.port)


def backups_of(place: Place, folder: str = "backups") -> list[Path]:
    return sorted((place.folder / folder).glob("*.db"))


def attempts_in(path: Path) -> int:
    connection = sqlite3.connect(path)
    ((count,),) = connection.execute("SELECT count(*) FROM attempts")
    connection.close()
    return int(count)


def test_a_run_that_mailed_makes_a_private_backup_with_all_its_mail(place: Place) -> None:
    assert place.run("status").code == 0
    assert not (place.folder / "backups").exists()
    assert place.send("--limit", "2").code == 75
    assert place.send().code == 0
    made = backups_of(place)
    assert [attempts_in(each) for each in made][-1] == 5
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in made)
    assert sorted((place.folder / "backups").iterdir()) == made
    assert "backup" not in place.run().out


def test_due_makes_one_too_and_old_ones_are_deleted(place: Place, server: ScriptedServer) -> None:
    place.settings(server.port, "backup: {keep: 2, to: elders/kopie}\n")
    for second, name in enumerate(("a", "b", "c")):
        place.members(*PEOPLE[: second + 1])
        assert place.send(now=f"2020-02-17T09:0{second}").code == 0, name
    assert [attempts_in(each) for each in backups_of(place, "elders/kopie")] == [2, 3]
    assert place.run("schedule", EVENT, "reminder", "--yes", now="2020-03-20T09:00").code == 0
    assert place.run("due", now=LATER).code == 0
    assert attempts_in(backups_of(place, "elders/kopie")[-1]) > 3


def test_a_backup_that_fails_is_said_and_the_desk_says_how_old_the_newest_is(
    place: Place, server: ScriptedServer
) -> None:
    place.members(*PEOPLE[:2])
    assert place.send().code == 0
    place.write("full", "a file where a folder should be")
    place.settings(server.port, "backup: {to: full}\n")
    place.members(*PEOPLE)
    ran = place.send(now="2020-02-18T09:00")
    assert ran.code == 0 and "No backup could be made" in ran.err
    assert "17 February 2020 09:00" in place.run(now="2020-02-18T10:00").out


def test_restore_of_answers_keeps_everything_that_was_sent(place: Place, server: ScriptedServer) -> None:
    place.members(*PEOPLE[:3])
    assert place.run("answers", "set", EVENT, "Kim Verbeek", "ja").code == 0
    assert place.send().code == 0
    assert place.run("answers", "set", EVENT, "Kim Verbeek", "nee").code == 0
    place.members(*PEOPLE)
    place.settings(server.port, "backup: {to: elders}\n")
    assert place.send(now="2020-02-18T09:00").code == 0
    (first,) = backups_of(place)
    assert place.run("restore", str(first), "--yes", now="2020-02-18T10:00").code == 0
    listed = place.run("answers", "list", EVENT, "--json", now="2020-02-18T10:00").json
    assert [each["answer"] for each in listed["answers"]] == ["attending"]
    place.send(now="2020-02-18T11:00")
    assert len(server.taken) == 5


def test_the_newest_backup_is_never_replaced_by_the_one_that_restore_makes(place: Place) -> None:
    assert place.send().code == 0
    assert place.run("answers", "set", EVENT, "Kim Verbeek", "ja").code == 0
    assert place.run("restore", "--yes").code == 0
    assert place.run("answers", "list", EVENT, "--json").json["answers"] == []
    before = backups_of(place)[-1]
    assert place.run("restore", str(before), "--yes").code == 0
    assert len(place.run("answers", "list", EVENT, "--json").json["answers"]) == 1


def test_forgetting_goes_on_if_there_can_be_no_new_backup(place: Place, server: ScriptedServer) -> None:
    assert place.send().code == 0
    place.write("full", "a file where a folder should be")
    place.settings(server.port, "backup: {to: full}\n")
    ran = place.run("forget", "Kim Verbeek", "--yes")
    assert ran.code == 0 and "Forgotten." in ran.out and "No backup could be made" in ran.err
    assert backups_of(place) == []


def test_a_damaged_ledger_is_replaced_by_a_backup_with_every_mail(place: Place, server: ScriptedServer) -> None:
    assert place.send().code == 0
    (place.folder / "mkwmail-test.db").write_bytes(b"spoilt" * 1000)
    assert place.send().code == 74
    assert place.run("restore", "--yes").code == 0
    assert (place.folder / "mkwmail-test.db.damaged").exists()
    assert place.send().code == 0
    assert len(server.taken) == 5


def test_a_backup_that_lacks_mail_is_never_put_in_the_ledgers_place(place: Place, server: ScriptedServer) -> None:
    place.members(*PEOPLE[:3])
    assert place.send().code == 0
    (old,) = backups_of(place)
    kept = old.read_bytes()
    place.members(*PEOPLE)
    assert place.send(now="2020-02-17T10:00").code == 0
    for each in backups_of(place):
        each.unlink()
    old.write_bytes(kept)
    (place.folder / "mkwmail-test.db").unlink()
    ran = place.run("restore", "--yes")
    assert ran.code == 74 and "newer copy" in ran.err
    assert not (place.folder / "mkwmail-test.db").exists()
    assert place.send().code == 78
    assert len(server.taken) == 5


def test_forgetting_reaches_all_backups_and_names_those_it_cannot_reach(place: Place, server: ScriptedServer) -> None:
    assert place.send().code == 0
    (place.folder / "schijf").mkdir()
    place.settings(server.port, "backup: {to: schijf/kopie}\n")
    place.members(*PEOPLE, "Bo;;Bos;bo@elf.example.org;Elf;lid")
    assert place.send(now="2020-02-17T10:00").code == 0
    kept = (place.folder / "schijf").rename(place.folder.parent / "weg")
    place.settings(server.port)
    old = (backups_of(place)[0], backups_of(place)[0].read_bytes())
    ran = place.run("forget", "Kim Verbeek", "--yes", now="2020-02-17T11:00")
    assert ran.code == 0, ran.err
    assert "schijf/kopie/mkwmail-test-" in ran.out.replace("\n", "")
    (fresh,) = backups_of(place)
    assert fresh != old[0]
    assert b"woonstede" not in fresh.read_bytes().lower()
    old[0].write_bytes(old[1])
    assert place.run("restore", str(old[0]), "--yes", now="2020-02-17T12:00").code == 0
    assert b"kim@woonstede" not in (place.folder / "mkwmail-test.db").read_bytes()
    assert kept.is_dir()


def test_other_files_are_no_backups(place: Place) -> None:
    assert place.send().code == 0
    place.write("x.db", "not a database")
    assert place.run("restore", "x.db", "--yes").code == 2
    assert place.run("restore", str(place.folder / "nergens.db"), "--yes").code == 2
