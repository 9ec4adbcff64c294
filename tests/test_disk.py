"""The ledger's files while they are used: real disks, mounted for the test, that fill up or turn
read-only; another program that keeps the ledger locked."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.smtp_server import Call, ScriptedServer
from tests.workplace import PEOPLE, Place, a_place, is_root

ADDRESSES = tuple(row.split(";")[3] for row in PEOPLE)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not is_root() or not shutil.which("mount"):
        pytest.skip("needs the rights to mount a disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def _fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            return


def _everybody_has_it_once(place: Place, server: ScriptedServer) -> None:
    again = place.send()
    assert (again.code, again.json["in_doubt"]) == (0, [])
    assert [server.bodies_of(address) for address in ADDRESSES] == [1] * 5


def test_a_disk_that_is_full_before_the_run(disk: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(disk, server.port)
        assert place.run("check", "directeurendag-2020").code == 0
        _fill(disk)
        full = place.send()
        assert full.code == 74, full.out
        assert "disk" in full.out + full.err
        assert server.taken == []
        (disk / "filler").unlink()
        _everybody_has_it_once(place, server)


@pytest.mark.parametrize("step", ["MAIL", "DATA", "BODY", "DOT"])
def test_a_disk_that_fills_up_on_the_way(disk: Path, step: str) -> None:
    with ScriptedServer() as server:
        place = a_place(disk, server.port)
        server.on(step, Call(lambda: _fill(disk)), skip=2, times=1)
        full = place.send()
        assert full.code in (74, 79), full.out
        went = len(server.taken)
        assert went < 5
        (disk / "filler").unlink()
        if full.code == 74:
            _everybody_has_it_once(place, server)


def test_a_file_to_write_on_a_full_disk_leaves_the_old_one(disk: Path, tmp_path: Path) -> None:
    place = a_place(tmp_path / "map")
    (disk / "bestuur.html").write_text("old")
    _fill(disk)
    full = place.run("preview", "directeurendag-2020", "invitation", "--html", str(disk / "bestuur.html"))
    assert (full.code, "the disk is full" in full.err) == (74, True)
    assert (disk / "bestuur.html").read_text() == "old"
    assert sorted(path.name for path in disk.iterdir()) == ["bestuur.html", "filler"]


def test_a_disk_that_turns_read_only(disk: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(disk, server.port)
        assert place.send("--limit", "1").code == 75
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        refused = place.send()
        assert refused.code == 74, refused.out
        assert "disk" in refused.out + refused.err or "read-only" in refused.out + refused.err
        assert len(server.taken) == 1
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        _everybody_has_it_once(place, server)


def test_a_ledger_that_another_program_keeps_locked(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send("--limit", "1").code == 75
        with closing(sqlite3.connect(tmp_path / "mkwmail-test.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            locked = place.send()
        assert (locked.code, len(server.taken)) == (74, 1)
        assert "another program keeps mkwmail-test.db locked" in locked.err
        assert "close the program that has it open" in locked.err
        _everybody_has_it_once(place, server)


@pytest.mark.long
def test_a_ledger_that_another_program_locks_on_the_way(tmp_path: Path) -> None:
    other: list[sqlite3.Connection] = []

    def lock() -> None:
        other.append(
            sqlite3.connect(tmp_path / "mkwmail-test.db", isolation_level=None, check_same_thread=False, timeout=60)
        )
        other[0].execute("BEGIN IMMEDIATE")

    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        server.on("BODY", Call(lock), skip=2, times=1)
        locked = place.send()
        assert locked.code == 74, locked.out
        assert "another program keeps mkwmail-test.db locked" in locked.out + locked.err
        other[0].close()
        _everybody_has_it_once(place, server)


def _many(folder: Path, port: int) -> Place:
    place = a_place(folder, port)
    place.members(*(f"Lid;;{n};lid{n}@example.org;Corp {n};lid" for n in range(40)))
    return place


def _mailed(server: ScriptedServer) -> list[str]:
    return [each.recipients[0] for each in server.taken]


@pytest.mark.parametrize("pattern", ["mkwmail-test.db*", "mkwmail-test.db", "mkwmail-test.db-wire", "*"])
def test_the_ledgers_files_deleted_on_the_way(tmp_path: Path, pattern: str) -> None:
    folder = tmp_path / "map"

    def delete() -> None:
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    with ScriptedServer() as server:
        place = _many(folder, server.port)
        server.on("BODY", Call(delete), skip=2, times=1)
        stopped = place.run("send", "directeurendag-2020", "invitation", "--yes", MKWMAIL_STATE=str(tmp_path / "state"))
        assert stopped.code == 74, stopped.out
        assert "was deleted, moved or replaced during this run, so it was stopped" in stopped.out
        # The outcome of those under way.
        went = len(server.taken)
        assert 3 <= went < 40 and f"{went} mails sent, {40 - went} waiting." in stopped.out
        if pattern in ("mkwmail-test.db*", "mkwmail-test.db"):
            again = place.send()
            assert again.code == 78 and "mkwmail-test.db is gone or empty" in again.err
            assert len(server.taken) == went


@pytest.mark.parametrize("also", ["", "mkwmail-test.db.holder"])
def test_the_lock_deleted_on_the_way(tmp_path: Path, also: str) -> None:
    seconds: list[int] = []

    def delete_and_send() -> None:
        for name in filter(None, ("mkwmail-test.db.lock", also)):
            (tmp_path / name).unlink()
        seconds.append(place.send().code)

    with ScriptedServer() as server:
        place = _many(tmp_path, server.port)
        server.on("BODY", Call(delete_and_send), skip=2, times=1)
        first = place.send()
        assert first.code == 74, first.out
        if not also:
            # It saw that the first one was still there.
            assert seconds == [73]
            assert place.send().code == 0
        mailed = _mailed(server)
        assert len(set(mailed)) == len(mailed)
        doubtful = {each["address"] for each in place.send().json["in_doubt"]}
        assert {f"lid{n}@example.org" for n in range(40)} <= {*mailed, *doubtful}
