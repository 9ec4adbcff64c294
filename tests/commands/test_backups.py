"""Backups of the ledger, and ``restore``: nobody is mailed twice, and nothing of a forgotten person comes back."""

import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mkwmail.ledger import backups
from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
LATER = "2020-03-23T10:00"


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
    assert place.send(now="2020-02-17T09:10").code == 0
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
    restored = place.run("restore", "--yes")
    assert place.run("answers", "list", EVENT, "--json").json["answers"] == []
    before = re.search(r"backups/\S+\.db", restored.out.partition("How it was before")[2])
    assert before and place.run("restore", str(place.folder / before[0]), "--yes").code == 0
    assert len(place.run("answers", "list", EVENT, "--json").json["answers"]) == 1


def test_a_backup_is_named_from_the_current_folder_or_from_the_working_folder_as_it_is_printed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.send("--limit", "2")
    (made,) = backups_of(place)
    for current, typed_name in (
        (tmp_path.parent, f"backups/{made.name}"),
        (place.folder, f"backups/{made.name}"),
        (place.folder / "events", f"../backups/{made.name}"),
        (tmp_path.parent, str(made)),
    ):
        monkeypatch.chdir(current)
        ran = subprocess.run(
            [*place.command("restore", typed_name, "--yes")],
            env=place.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert f"The backup: backups/{made.name}, of" in ran.stdout
        assert re.search(r"How it was before: backups/\S+\.db$", ran.stdout, re.MULTILINE), ran.stdout
    refused = place.run("restore", "backups/nergens.db", "--yes")
    assert refused.code == 2 and "there is no file backups/nergens.db" in refused.err


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


def test_a_backup_that_lacks_mail_puts_everybody_in_doubt_who_may_have_got_it(
    place: Place, server: ScriptedServer
) -> None:
    old = _a_backup_that_lacks_mail(place)
    ran = place.run("restore", str(old), "--yes", now="2020-02-17T11:00")
    assert ran.code == 79 and "In doubt now: 2 mails." in ran.out.replace("\n", " "), ran.out
    ran = place.send(now="2020-02-17T12:00")
    assert (ran.code, sorted(each["address"] for each in ran.json["in_doubt"])) == (
        *(79, ["lou@elf.example.org", "zoe@tien.example.org"]),
    )
    assert len(server.taken) == 5
    # The mail of a restored backup counts like any other: one of them had it, the other gets it now.
    resolved = place.run(
        "resolve", EVENT, "--sent", "Zoë Ruiter", "--send-again", "Lou 't Hart", now="2020-02-17T13:00"
    )
    assert resolved.code == 0
    assert place.send(now="2020-02-17T14:00").code == 0
    assert [each.recipients[0] for each in server.taken][5:] == ["lou@elf.example.org"]
    assert "backup" in place.run("preview", EVENT, "invitation", "--member", "Zoë Ruiter", "--sent").err


def _a_backup_that_lacks_mail(place: Place) -> Path:
    """Send to three people, then to two more; leave only the first backup, and no ledger."""
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
    return old


def test_attempts_go_on_above_those_that_the_backup_lacks(place: Place) -> None:
    place.run("restore", str(_a_backup_that_lacks_mail(place)), "--yes", now="2020-02-17T11:00")
    connection = sqlite3.connect(place.folder / "mkwmail-test.db")
    numbers = [number for (number,) in connection.execute("SELECT id FROM attempts ORDER BY id")]
    connection.close()
    assert numbers == [1, 2, 3, 6, 7]


def test_the_numbers_go_on_far_above_if_there_is_no_note(place: Place, server: ScriptedServer) -> None:
    old = _a_backup_that_lacks_mail(place)
    shutil.rmtree(place.folder / ".home")
    (place.folder / "mkwmail-test.db-wire").unlink()
    assert place.run("restore", str(old), "--yes", now="2020-02-17T11:00").code == 79
    assert place.send(now="2020-02-17T12:00").code == 79
    assert len(server.taken) == 5


def test_an_older_copy_that_was_put_in_place_by_hand_can_be_restored(place: Place, server: ScriptedServer) -> None:
    old = _a_backup_that_lacks_mail(place)
    shutil.copy(old, place.folder / "mkwmail-test.db")
    assert place.send(now="2020-02-17T11:00").code == 74
    assert place.run("restore", str(old), "--yes", now="2020-02-17T11:00").code == 79
    assert place.send(now="2020-02-17T12:00").code == 79
    assert len(server.taken) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
@pytest.mark.parametrize(("answer", "code", "taken"), [("y", 79, 5), ("n", 0, 10), ("", 78, 5)])
def test_before_any_other_mailing_a_person_says_whether_it_was_sent(
    place: Place, server: ScriptedServer, answer: str, code: int, taken: int
) -> None:
    place.run("restore", str(_a_backup_that_lacks_mail(place)), "--yes", now="2020-02-17T11:00")
    words, now = ("send", EVENT, "cancellation"), "2020-02-17T12:00"
    assert place.run(*words, "--yes", now=now).code == 78
    ended, screen = typed(
        place.command(*words, "--yes"), place.environment(now), place.folder, [("Was it sent then?", answer)]
    )
    assert ended == code, screen
    assert len(server.taken) == taken
    if answer:
        # It is asked once.
        assert place.run(*words, "--yes", now=now).code == code


def test_due_sends_nothing_of_which_a_person_must_say_whether_it_was_sent(place: Place, server: ScriptedServer) -> None:
    place.members(*PEOPLE[:3])
    assert place.run("schedule", EVENT, "reminder", "--yes").code == 0
    old = _a_backup_that_lacks_mail(place)
    assert place.run("restore", str(old), "--yes", now="2020-02-17T11:00").code == 79
    ran = place.run("due", now=LATER)
    assert ran.code == 78 and "may have been sent" in ran.err
    assert [each.recipients[0] for each in server.taken][5:] in ([], ["secretaris@example.org"])


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


def test_backups_of_the_test_ledger_are_not_those_of_the_ledger(tmp_path: Path) -> None:
    for name in ("mkwmail-1cbeebbd-2020-02-17-093001.db", "mkwmail-test-0a1b2c3d-2021-01-01-090000.db"):
        (tmp_path / name).touch()
    (real,) = backups.found(tmp_path, tmp_path / "mkwmail.db")
    (test,) = backups.found(tmp_path, tmp_path / "mkwmail-test.db")
    assert real.name.startswith("mkwmail-1") and test.name.startswith("mkwmail-test")
