"""Folders that were copied, moved or put back, and homes that are others: what is asked, refused and said."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, ROOT, Place, Ran, a_place, is_root

EVENT = "directeurendag-2020"
INVITATION = ("send", EVENT, "invitation")
ADDRESSES = sorted(row.split(";")[3] for row in PEOPLE)
LATER = "2020-02-17T12:00"


@dataclass(frozen=True)
class Home:
    """A user's home folder, and runs of the program in any working folder with it."""

    path: Path
    server: ScriptedServer

    @property
    def state(self) -> Path:
        return self.path / ".local" / "state" / "mkwmail"

    @property
    def notes(self) -> list[Path]:
        return sorted(self.state.glob("*.seen"))

    def run(self, folder: Path, *words: str, **environment: str) -> Ran:
        return Place(folder).run(*words, **{"HOME": str(self.path), **environment})

    def send(self, folder: Path, *words: str, **environment: str) -> Ran:
        return self.run(folder, *INVITATION, "--yes", *words, **environment)

    def type(self, folder: Path, *answers: tuple[str, str], words: tuple[str, ...] = INVITATION) -> tuple[int, str]:
        place = Place(folder)
        environment = {**place.environment(), "HOME": str(self.path)}
        code, screen = typed(place.command(*words), environment, folder, answers)
        assert "Traceback" not in screen
        return code, " ".join(screen.split())

    def mailed(self) -> list[str]:
        """Whom the server took a mail for, one entry for each mail."""
        return sorted(each.recipients[0] for each in self.server.taken if each.recipients[0] in ADDRESSES)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ScriptedServer() as server:
        yield Home(tmp_path / "home", server)


@pytest.fixture
def folder(home: Home, tmp_path: Path) -> Path:
    """A working folder from which two of five were mailed."""
    made = tmp_path / "map"
    a_place(made, home.server.port)
    assert home.send(made, "--limit", "2").code == 75
    return made


needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


# The folder was copied


@pytest.mark.parametrize("words", [(), ("--limit", "1"), ("--json",)])
def test_a_copy_sends_nothing_and_the_first_everything(home: Home, folder: Path, words: tuple[str, ...]) -> None:
    copy = folder.with_name("map - kopie")
    shutil.copytree(folder, copy)
    ran = home.send(copy, *words)
    assert ran.code == 78
    assert f"{folder} has the same ledger as {copy}: one of the two folders is a copy" in ran.err
    assert f"mkwmail --folder '{copy}' send" in ran.err and f"mkwmail --folder {folder} send" in ran.err
    assert home.send(folder).code == 0
    assert home.mailed() == ADDRESSES
    again = home.send(copy)
    assert again.code == 78 and f"{copy} is an older copy of {folder}" in again.err
    assert home.mailed() == ADDRESSES


@needs_terminal
def test_a_word_in_the_terminal_makes_the_copy_the_ledger(home: Home, folder: Path) -> None:
    copy = folder.with_name("kopie")
    shutil.copytree(folder, copy)
    # --yes is for the number of mails.
    for words, answers in (
        (INVITATION, [("Type yes:", "no")]),
        ((*INVITATION, "--yes"), [("Type yes:", "")]),
    ):
        code, screen = home.type(copy, *answers, words=words)
        assert code == 78 and "members will get it twice" in screen
    assert len(home.mailed()) == 2
    code, screen = home.type(copy, ("Type yes:", "yes"), ("type 3:", "3"))
    assert code == 0, screen
    assert home.mailed() == ADDRESSES
    refused = home.send(folder)
    assert refused.code == 78 and f"{folder} is an older copy of {copy}" in refused.err
    # No question would help there.
    code, screen = home.type(folder)
    assert code == 78 and "older copy" in screen
    assert home.mailed() == ADDRESSES


@needs_terminal
def test_the_word_holds_though_the_mailing_is_not_confirmed(home: Home, folder: Path) -> None:
    copy = folder.with_name("kopie")
    shutil.copytree(folder, copy)
    assert home.type(copy, ("Type yes:", "ja"), ("type 3:", ""))[0] == 130
    assert home.send(folder).code == 78
    assert home.send(copy).code == 0
    assert home.mailed() == ADDRESSES


def test_due_in_a_copy_says_so_once_and_the_first_goes_on(home: Home, folder: Path) -> None:
    copy = folder.with_name("kopie")
    assert home.run(folder, "schedule", EVENT, "invitation", "--yes").code == 0
    shutil.copytree(folder, copy)
    first, second = (home.run(copy, "due", now=now) for now in ("2020-02-17T10:00", "2020-02-17T10:30"))
    assert first.code == second.code == 78
    assert "one of the two folders is a copy" in first.err and "mkwmail --folder" in first.err
    assert (second.out, second.err) == ("", "")
    assert home.run(folder, "due", now="2020-02-17T10:00").code == 0
    assert home.mailed() == ADDRESSES


def test_a_copy_for_another_association_is_told_how_to_begin(home: Home, tmp_path: Path) -> None:
    folder, copy = tmp_path / "map", tmp_path / "other"
    a_place(folder, home.server.port)
    assert home.run(folder, "check", EVENT).code == 0
    shutil.copytree(folder, copy)
    assert home.send(folder).code == 0
    refused = home.send(copy)
    assert refused.code == 78 and "delete mkwmail-test.db and mkwmail-test.id in it" in refused.err
    for name in ("mkwmail-test.db", "mkwmail-test.id"):
        (copy / name).unlink()
    assert home.send(copy).code == 0
    assert home.mailed() == sorted(ADDRESSES * 2)


# The folder was moved, or put back


@pytest.mark.parametrize("how", ["renamed", "on another disk"])
def test_a_moved_folder_says_so_in_one_line_and_goes_on(home: Home, folder: Path, how: str) -> None:
    if how == "renamed":
        new = folder.rename(folder.with_name("verhuisd"))
    else:
        memory = Path("/dev/shm")
        if not memory.is_dir() or memory.stat().st_dev == folder.stat().st_dev:
            pytest.skip("there is no other disk here")
        new = memory / f"mkwmail-{os.getpid()}-{folder.parent.name}"
        shutil.copytree(folder, new)
        shutil.rmtree(folder)
    try:
        ran = home.send(new)
        assert ran.code == 0
        assert ran.err.count(f"this folder was moved here from {folder}, and mkwmail continues here\n") == 1
        assert home.mailed() == ADDRESSES
        # It is said once.
        assert "moved here" not in home.send(new).err
    finally:
        if how != "renamed":
            shutil.rmtree(new)


def test_due_in_a_moved_folder_says_so_once_and_goes_on(home: Home, folder: Path) -> None:
    assert home.run(folder, "schedule", EVENT, "invitation", "--yes").code == 0
    new = folder.rename(folder.with_name("verhuisd"))
    ran = home.run(new, "due", now=LATER)
    assert ran.code == 0 and f"moved here from {folder}" in ran.err
    assert home.run(new, "due", now="2020-02-17T12:30") == Ran(0, "", "")
    assert home.mailed() == ADDRESSES


def test_a_folder_put_back_from_a_backup_sends_nothing(home: Home, folder: Path) -> None:
    backup = folder.with_name("backup")
    shutil.copytree(folder, backup)
    assert home.send(folder).code == 0
    newest = folder.rename(folder.with_name("newest"))
    shutil.copytree(backup, folder)
    ran = home.send(folder)
    assert ran.code == 74 and "mkwmail-test.db is an older copy" in ran.err
    assert str(home.notes[0]) in ran.err
    due = [home.run(folder, "due", now=now) for now in (LATER, "2020-02-17T12:30")]
    assert [each.code for each in due] == [74, 74] and "older copy" in due[0].err and due[1].err == ""
    # The remedy: the newest put back.
    shutil.rmtree(folder)
    newest.rename(folder)
    assert home.send(folder).code == 0
    assert home.mailed() == ADDRESSES


def test_a_ledger_that_is_deleted_with_its_id_is_missed_and_can_be_put_back(home: Home, folder: Path) -> None:
    for file in folder.glob("mkwmail-test.*"):
        file.unlink()
    ran = home.send(folder)
    assert ran.code == 78 and "from another mkwmail-test.db that is gone" in ran.err
    assert home.run(folder, "due").code == 78
    for name in ("mkwmail-test.db", "mkwmail-test.id"):
        (folder / name).unlink()
    assert home.run(folder, "restore", "--yes").code == 0
    assert home.send(folder).code == 0
    assert home.mailed() == ADDRESSES


@needs_terminal
def test_a_folder_that_begins_again_after_a_test_is_asked_about_once(home: Home, folder: Path) -> None:
    shutil.rmtree(folder)
    a_place(folder, home.server.port)
    assert home.run(folder, "check", EVENT).code == 0
    code, screen = home.type(folder, ("Type yes:", "yes"), ("type 5:", "5"))
    assert code == 0 and "Those who were mailed from that one will be mailed again." in screen
    assert home.send(folder).code == 0


@needs_terminal
def test_with_no_newer_one_a_person_may_decide(home: Home, folder: Path) -> None:
    backup = folder.with_name("backup")
    shutil.copytree(folder, backup)
    assert home.send(folder, "--limit", "1").code == 75
    shutil.rmtree(folder)
    backup.rename(folder)
    home.notes[0].unlink()
    assert home.send(folder).code == 78
    code, screen = home.type(folder, ("Type yes:", "yes"), ("type 3:", "3"))
    assert code == 0 and "The last mail in it is of 17 February 2020 09:00." in screen
    assert "-wire" not in screen
    # One had it twice, by a person's answer.
    assert len(home.mailed()) == 6


# Another home, another user, a container


def test_another_home_is_refused_once_said_and_named(home: Home, folder: Path, tmp_path: Path) -> None:
    assert home.run(folder, "schedule", EVENT, "invitation", "--yes").code == 0
    other = Home(tmp_path / "other", home.server)
    ran = other.send(folder)
    assert ran.code == 78 and str(other.state) in ran.err and "MKWMAIL_STATE" in ran.err
    assert len(ran.err.splitlines()) == 3  # the clock, the sentence, what to do
    cron = [other.run(folder, "due", now=now) for now in (LATER, "2020-02-17T12:30")]
    assert [each.code for each in cron] == [78, 78]
    assert "MKWMAIL_STATE" in cron[0].err and cron[1].err == ""
    # The remedy.
    assert other.run(folder, "due", now=LATER, MKWMAIL_STATE=str(home.state)).code == 0
    assert home.mailed() == ADDRESSES


@needs_terminal
def test_each_of_two_users_is_asked_once(home: Home, folder: Path, tmp_path: Path) -> None:
    other = Home(tmp_path / "other", home.server)
    code, screen = other.type(folder, ("Type yes:", "yes"), ("type 3:", "3"), words=INVITATION)
    assert code == 0, screen
    for each in (home, other, home):
        assert each.send(folder).code == 0
    assert home.mailed() == ADDRESSES


@needs_terminal
def test_a_person_who_is_asked_hears_that_parts_are_missing(home: Home, folder: Path, tmp_path: Path) -> None:
    (folder / "mkwmail-test.db-wire").unlink()
    code, screen = Home(tmp_path / "other", home.server).type(folder, ("Type yes:", "no"))
    assert code == 78 and "Its -wire file is missing" in screen
    # With the note it is certain that nothing else is.
    assert home.send(folder).code == 0
    assert home.mailed() == ADDRESSES


@needs_terminal
def test_schedule_asks_so_that_due_need_not_stop(home: Home, folder: Path, tmp_path: Path) -> None:
    other = Home(tmp_path / "other", home.server)
    assert other.run(folder, "schedule", EVENT, "invitation", "--yes").code == 78
    words = ("schedule", EVENT, "invitation")
    assert other.type(folder, ("Type yes:", "yes"), ("type 1:", "1"), words=words)[0] == 0
    assert other.run(folder, "due", now=LATER).code == 0
    assert home.mailed() == ADDRESSES


@pytest.mark.parametrize("spoiled", [b"", b"\0" * 300, b"mkwmail-last-seen-1 []\n"])
def test_a_note_that_cannot_be_read_is_none(home: Home, folder: Path, spoiled: bytes) -> None:
    home.notes[0].write_bytes(spoiled)
    assert home.send(folder).code == 78
    assert len(home.mailed()) == 2


def test_an_older_home_put_back_is_no_alarm(home: Home, folder: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(home.path, backup)
    assert home.send(folder, "--limit", "1").code == 75
    shutil.rmtree(home.path)
    backup.rename(home.path)
    assert home.send(folder).code == 0
    assert home.mailed() == ADDRESSES


def test_what_sends_nothing_keeps_no_note(home: Home, tmp_path: Path) -> None:
    clones = [tmp_path / name for name in ("one", "two")]
    for clone in clones:
        a_place(clone, home.server.port)
    for clone in clones:
        assert home.send(clone, "--rehearse").code == 0
        for words in (("check", EVENT), (*INVITATION, "--dry-run"), ("status", EVENT), ("schedule", EVENT, "--yes")):
            assert home.run(clone, *words).code == 0, words
    assert home.notes == []
    for clone in clones:
        assert home.send(clone).code == 0
    assert len(home.notes) == 2


@pytest.mark.parametrize("state", ["/dev/null/state", "state", "~/state"])
def test_a_home_that_cannot_be_written_is_said_in_one_sentence(home: Home, folder: Path, state: str) -> None:
    """A file in its place plays a read-only disk: the user of the tests may be allowed to write everywhere."""
    sent = home.send(folder, MKWMAIL_STATE=state)
    assert sent.code == 78 and "MKWMAIL_STATE" in sent.err and len(sent.err.splitlines()) == 3, sent.err
    due = [home.run(folder, "due", now=now, MKWMAIL_STATE=state) for now in (LATER, "2020-02-17T12:30")]
    assert [each.code for each in due] == [78, 78] and "MKWMAIL_STATE" in due[0].err and due[1].err == ""
    # Everything else works.
    for words in (("check", EVENT), ("status", EVENT), (*INVITATION, "--rehearse", "--yes"), ("resolve", EVENT)):
        assert home.run(folder, *words, MKWMAIL_STATE=state).code == 0, words
    assert home.send(folder).code == 0
    assert home.mailed() == ADDRESSES


def test_a_read_only_home(home: Home, folder: Path, tmp_path: Path) -> None:
    if not is_root() or not shutil.which("mount"):
        pytest.skip("needs the rights to mount a disk")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "ro", "none", str(mounted)]
    if subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        ran = home.send(folder, HOME=str(mounted))
        assert ran.code == 78 and "MKWMAIL_STATE" in ran.err, ran.err
        fresh = tmp_path / "fresh"
        a_place(fresh, home.server.port)
        ran = home.send(fresh, HOME=str(mounted))
        assert ran.code == 78 and "the disk is read-only" in ran.err and "MKWMAIL_STATE" in ran.err
    finally:
        subprocess.run(["umount", mounted], check=True)
    assert len(home.mailed()) == 2


def test_a_user_without_a_home(home: Home, tmp_path: Path) -> None:
    """As in a container that runs under a number without a name, and without HOME."""
    unshare = ["unshare", "--user", "--map-user=54321"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a user without a name cannot be made here")
    place = a_place(tmp_path / "map", home.server.port)
    environment = {key: text for key, text in place.environment().items() if key != "HOME"}

    def run(*words: str, **more: str) -> Ran:
        command = [*unshare, *place.command(*words)]
        done = subprocess.run(
            command, cwd="/", env={**environment, **more}, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    assert run("check", EVENT).code == 0
    ran = run(*INVITATION, "--yes")
    assert ran.code == 78 and "there is no home folder" in ran.err and "MKWMAIL_STATE" in ran.err
    assert home.mailed() == []
    environment["MKWMAIL_STATE"] = str(tmp_path / "state")
    assert run(*INVITATION, "--yes").code == 0
    assert home.mailed() == ADDRESSES
    settings = place.folder / "mkwmail.yaml"
    settings.write_text(settings.read_text("utf-8").replace("security: none", "security: none, username: kim"), "utf-8")
    ran = run("send", EVENT, "save-the-date", "--yes", MKWMAIL_NOW="2020-01-20T09:00")
    assert ran.code == 78 and "there is no home folder in which mkwmail keeps logins" in ran.err, ran


def test_without_home_the_systems_own_word_for_it_is_taken(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    shown = "from mkwmail.files import state_folder; print(state_folder().is_absolute())"
    done = subprocess.run([sys.executable, "-c", shown], env=environment, cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == b"True\n"
