"""What happens to the ledger's files while they are used: real disks, mounted for the test, that fill up or turn
read-only; another program that keeps the ledger locked."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.smtp_server import Call, ScriptedServer
from tests.workplace import PEOPLE, Place, a_place

ADDRESSES = tuple(row.split(";")[3] for row in PEOPLE)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"):
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
