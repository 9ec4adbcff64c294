"""A short form of ``make torture``: whenever the program is killed, everybody gets it once or is named as in doubt."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mkwmail.ledger.schema import MIGRATIONS
from tests.smtp_server import DROP, ScriptedServer
from tests.torture.kills import kill_often, killed_at_writes
from tests.workplace import PEOPLE, Place, a_place

EVENT = "directeurendag-2020"
KIM = "kim@woonstede.example.org"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def _read(place: Place, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(place.folder / "mkwmail-test.db")) as database:
        return database.execute(statement).fetchall()


@pytest.mark.long
@pytest.mark.parametrize("connections", [1, 4])
def test_killed_at_any_moment_it_mails_everybody_once(tmp_path: Path, connections: int) -> None:
    tally = kill_often(tmp_path, kills=30, seed=connections, connections=connections)
    assert (tally.lost, tally.doubled, tally.bad) == ([], [], [])
    assert tally.most_in_doubt <= connections
    assert min(tally.by_kind["at a step"], tally.by_kind["at a moment"]) > 5


def _make_older(place: Place) -> None:
    """Undo the migration that put the deliveries in order, and the newer ones: they are by person again."""
    number = next(number for number, each in enumerate(MIGRATIONS, start=1) if "order" in each[0])
    former = [statement for _name, statements in MIGRATIONS[: number - 1] for statement in statements]
    newest = {" ".join(statement.split()[:4]): statement for statement in former}
    newer = [statement for _name, statements in MIGRATIONS[number:] for statement in statements]
    tables = [statement.split()[2] for statement in newer if statement.startswith("CREATE TABLE")]
    with closing(sqlite3.connect(place.folder / "mkwmail-test.db")) as database, database:
        for statement in (
            "ALTER TABLE runs DROP COLUMN token",
            "CREATE TABLE kept AS SELECT * FROM deliveries",
            "DROP TABLE deliveries",
            newest["CREATE TABLE deliveries ("],
            "INSERT INTO deliveries SELECT * FROM kept",
            "DROP TABLE kept",
            newest["CREATE INDEX attempts_of ON"],
            newest["CREATE INDEX results_at ON"],
            newest["CREATE INDEX carried_of ON"],
            newest["CREATE UNIQUE INDEX one_mail_for_an_address"],
            newest["CREATE INDEX sending_now ON"],
            newest["CREATE TRIGGER a_delivery_begins BEFORE"],
            newest["CREATE TRIGGER a_delivery_goes_on BEFORE"],
            *(f"DROP TABLE {table}" for table in tables),
            f"DELETE FROM migrations WHERE number >= {number}",
            f"PRAGMA user_version = {number - 1}",
        ):
            database.execute(statement)
    # An older program kept no note of its ledger.
    for note in (place.folder / ".home" / ".local" / "state" / "mkwmail").iterdir():
        note.unlink()


@needs_strace
def test_killed_while_it_brings_an_older_ledger_up_to_date(tmp_path: Path) -> None:
    addresses = [row.split(";")[3] for row in PEOPLE]
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send("--limit", "3").json["sent"] == 3
        ledger = tmp_path / "mkwmail-test.db"
        _make_older(place)
        killed = 0
        for hit in killed_at_writes(place, range(1, 24, 2), "status", EVENT):
            killed += hit
            assert place.run("status", EVENT).code == 0
        assert killed > 5
        assert place.send().json["sent"] == 2
        assert [server.bodies_of(address) for address in addresses] == [1] * 5
        with closing(sqlite3.connect(ledger)) as database:
            assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@needs_strace
def test_killed_while_a_persons_word_is_recorded(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        server.on("DOT", DROP, recipient=KIM, times=1)
        place = a_place(tmp_path, server.port)
        assert [each["address"] for each in place.send("--limit", "1").json["in_doubt"]] == [KIM]
        found = set()
        killed = 0
        for hit in killed_at_writes(place, range(1, 20, 3), "resolve", EVENT, "--send-again", KIM):
            killed += hit
            assert place.run("status", EVENT).code == 0
            found.add((*_read(place, "SELECT state FROM deliveries"), *_read(place, "SELECT word FROM resolutions")))
        assert killed > 3
        # All of the word, or nothing of it.
        assert found <= {(("in doubt",),), (("planned",), ("send-again",))}
        if tuple(_read(place, "SELECT state FROM deliveries")) == (("in doubt",),):
            assert place.run("resolve", EVENT, "--send-again", KIM).code == 0
        assert place.send("--limit", "1").json["sent"] == 1
        assert server.bodies_of(KIM) == 2


@needs_strace
def test_killed_while_it_notes_that_it_is_too_late(tmp_path: Path) -> None:
    late = "2020-04-03T09:00"
    with ScriptedServer() as server:
        server.on("RCPT", "450 4.2.0 later", recipient=KIM)
        place = a_place(tmp_path, server.port)
        assert place.send().json["sent"] == 4
        killed = 0
        for hit in killed_at_writes(place, range(1, 30, 4), "due", now=late):
            killed += hit
            assert place.run("due", now=late).code == 80  # told as missed
            assert _read(place, f"SELECT state FROM deliveries WHERE address = '{KIM}'") == [("expired",)]
        assert killed > 3
        assert server.bodies_of(KIM) == 0
