"""Several people in one folder: who did what, and files that all of them can use."""

import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.keyboard import typed
from tests.smtp_server import Call, ScriptedServer
from tests.workplace import MOMENT, ROOT, Place, Ran, a_place, is_root

EVENT = "directeurendag-2020"


@pytest.fixture
def place(tmp_path: Path, server: ScriptedServer) -> Place:
    return a_place(tmp_path, server.port)


def test_who_did_what_is_in_status_and_at_the_desk(place: Place) -> None:
    assert place.run("schedule", EVENT, "reminder", "--yes", LOGNAME="jan").code == 0
    assert "Who did what" not in place.run("status", EVENT).out
    assert place.run("send", EVENT, "invitation", "--yes", LOGNAME="els").code == 0
    assert place.run("answers", "set", EVENT, "Kim Verbeek", "ja", LOGNAME="jan").code == 0
    assert place.run("skip", "Els van der Ven", "--reason", "ziek", now="2020-02-17T10:00", LOGNAME="els").code == 0
    shown = place.run("status", EVENT).out
    for line in (
        "jan approved reminder, last on 17 February 2020",
        "els sent invitation (5 mails), last on",
        "jan recorded answers (1), last on",
        "els decided whom to skip (1), last on",
    ):
        assert line in shown
    done = place.run("status", EVENT, "--json").json["done_by"]
    assert {(each["what"], each["user"]) for each in done} == {
        *(("approved", "jan"), ("approved", "els"), ("sent", "els"), ("answered", "jan"), ("skipped", "els")),
    }
    assert "Last: els decided whom to skip (1)" in place.run().out


def test_who_decided_about_mail_in_doubt_is_in_status(place: Place, server: ScriptedServer) -> None:
    server.on("DOT", "550 5.1.1 unknown", recipient="kim@woonstede.example.org", times=1)
    place.run("send", EVENT, "invitation", "--yes", LOGNAME="els")
    assert place.run("resolve", EVENT, "--send-again", "Kim Verbeek", LOGNAME="jan").code == 0
    assert "jan decided about mail in doubt or refused of invitation (1)" in place.run("status", EVENT).out


def test_two_users_at_once_are_told_of_each_other(place: Place, server: ScriptedServer) -> None:
    seen: list[Ran] = []
    second = ("send", EVENT, "invitation", "--yes")
    server.on("DOT", Call(lambda: seen.append(place.run(*second, LOGNAME="jan"))), skip=1, times=1)
    assert place.run("send", EVENT, "invitation", "--yes", LOGNAME="els").code == 0
    assert seen[0].code == 73 and "els is using the ledger" in seen[0].err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_files_of_a_shared_folder_are_for_its_group_and_no_others(place: Place, server: ScriptedServer) -> None:
    place.send("--limit", "1")
    place.settings(server.port, "shared: true\n")
    assert place.run("send", EVENT, "invitation", "--rehearse", "--yes").code == 0
    assert place.send().code == 0
    assert place.run("answers", "list", EVENT, "--csv", str(place.folder / "antwoorden.csv")).code == 0
    assert place.folder.stat().st_mode & stat.S_ISGID
    made = [
        *(place.folder.glob("mkwmail-test.db*")),
        *(place.folder / "backups").glob("*.db"),
        *(place.folder / "rehearsal").glob("*.eml"),
        place.folder / "antwoorden.csv",
    ]
    assert {each.name: stat.S_IMODE(each.stat().st_mode) for each in made} == {each.name: 0o660 for each in made}
    folders = (place.folder / "rehearsal", place.folder / "backups")
    assert {stat.S_IMODE(each.stat().st_mode) for each in folders} == {0o2770}
    assert {each.stat().st_gid for each in made} == {place.folder.stat().st_gid}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_files_of_other_folders_are_for_their_owner_alone(place: Place) -> None:
    os.umask(0o022)
    assert place.send().code == 0
    assert stat.S_IMODE((place.folder / "mkwmail-test.db").stat().st_mode) == 0o600


GROUP = 61_234


@dataclass(frozen=True)
class SystemUser:
    """A user of the system, by number: no account is needed."""

    name: str
    number: int
    place: Place
    python: str

    @property
    def environment(self) -> dict[str, str]:
        libraries = os.pathsep.join((str(ROOT), sysconfig.get_path("purelib")))
        home = self.place.folder.parent / self.name
        more = {"HOME": str(home), "LOGNAME": self.name, "PYTHONPATH": libraries, "PYTHONDONTWRITEBYTECODE": "1"}
        return {**self.place.environment(), **more}

    def command(self, *words: str) -> list[str]:
        rights = (f"--reuid={self.number}", f"--regid={self.number}", f"--groups={GROUP}", "--inh-caps=-all")
        start = (str(shutil.which("setpriv")), *rights, self.python)
        return [*start, "-m", "mkwmail", "--folder", str(self.place.folder), *words]

    def run(self, *words: str, now: str = MOMENT) -> Ran:
        chosen = {**self.environment, "MKWMAIL_NOW": now}
        done = subprocess.run(
            self.command(*words), env=chosen, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def users(server: ScriptedServer) -> Iterator[tuple[SystemUser, SystemUser]]:
    """Els and Jan, who have a shared folder and a group in common and nothing else."""
    if sys.platform == "win32" or not is_root() or shutil.which("setpriv") is None:
        pytest.skip("it takes root and setpriv to be two users")
    # Not below pytest's own folder, which other users cannot enter.
    with tempfile.TemporaryDirectory(prefix="two-users-") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "directeurendagen"
        folder.mkdir()
        place = a_place(folder, server.port)
        place.settings(server.port, "shared: true\n")
        els, jan = (
            SystemUser(name, number, place, _python_for(number)) for name, number in (("els", 61_001), ("jan", 61_002))
        )
        for path in (folder, *folder.rglob("*")):
            os.chown(path, els.number, GROUP)
            path.chmod(0o770 if path.is_dir() else 0o660)
        for user in (els, jan):
            home = Path(name) / user.name
            home.mkdir(mode=0o700)
            os.chown(home, user.number, user.number)
        yield els, jan


def _python_for(user: int) -> str:
    """Return a Python of this version that the user may start."""
    for python in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"):
        rights = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
        try:
            done = subprocess.run(
                [str(shutil.which("setpriv")), *rights, python, "-c", ""], check=False, timeout=60, capture_output=True
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python
    pytest.skip(f"other users cannot start {sys.executable}")


def test_two_users_of_the_system_work_in_one_folder_and_its_files_stay_for_their_group(
    users: tuple[SystemUser, SystemUser], server: ScriptedServer
) -> None:
    els, jan = users
    folder = els.place.folder
    assert els.run("send", EVENT, "invitation", "--yes", "--limit", "2").code == 75
    assert jan.run("answers", "set", EVENT, "Kim Verbeek", "ja").code == 0
    # Each is asked once whether this is the newest ledger.
    refused = jan.run("send", EVENT, "invitation", "--yes", now="2020-02-17T10:00")
    assert refused.code == 78 and not refused.out.count("sent"), refused.out + refused.err
    seen: list[Ran] = []
    second = ("send", EVENT, "invitation", "--yes")
    server.on("DOT", Call(lambda: seen.append(els.run(*second, now="2020-02-17T11:00"))), times=1)
    words = jan.command("send", EVENT, "invitation")
    later = {**jan.environment, "MKWMAIL_NOW": "2020-02-17T11:00"}
    code, screen = typed(words, later, folder, [("Type yes:", "yes"), ("type 3:", "3")])
    assert code == 0, screen
    assert seen[0].code == 73 and "jan is using the ledger" in seen[0].err, seen
    assert len(server.taken) == 5
    assert els.run("answers", "set", EVENT, "Kim Verbeek", "nee", now="2020-02-17T12:00").code == 0
    # Each can read and change the files that the other made, and nobody else can.
    made = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "events"]
    kept = {path.relative_to(folder).as_posix(): (oct(path.stat().st_mode), path.stat().st_gid) for path in made}
    assert {values for values in kept.values()} == {("0o100660", GROUP)}, kept
    assert {path.stat().st_uid for path in made} == {els.number, jan.number}
    done = els.run("status", EVENT, "--json", now="2020-02-17T12:00").json["done_by"]
    assert {(each["what"], each["user"]) for each in done} >= {("sent", "els"), ("sent", "jan"), ("answered", "els")}
