"""A short form of ``make torture``: whenever the program is killed, everybody gets it once or is named as in doubt."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mkwmail.ledger.schema import MIGRATIONS
from tests.smtp_server import ScriptedServer
from tests.torture.kills import kill_often, killed_at_call
from tests.workplace import PEOPLE, a_place


@pytest.mark.long
@pytest.mark.parametrize("connections", [1, 4])
def test_killed_at_any_moment_it_mails_everybody_once(tmp_path: Path, connections: int) -> None:
    tally = kill_often(tmp_path, kills=30, seed=connections, connections=connections)
    assert (tally.lost, tally.doubled, tally.bad) == ([], [], [])
    assert tally.most_in_doubt <= connections
    assert min(tally.by_kind["at a step"], tally.by_kind["at a moment"]) > 5


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_killed_while_it_brings_an_older_ledger_up_to_date(tmp_path: Path) -> None:
    addresses = [row.split(";")[3] for row in PEOPLE]
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send("--limit", "3").json["sent"] == 3
        ledger = tmp_path / "mkwmail-test.db"
        with closing(sqlite3.connect(ledger)) as database, database:
            for table in ("forgotten", "purged", "to_wipe"):
                database.execute(f"DROP TABLE {table}")
            database.execute("DELETE FROM migrations WHERE number = ?", (len(MIGRATIONS),))
            database.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
        old = ledger.read_bytes()
        killed = 0
        for number in range(1, 24, 2):
            ledger.write_bytes(old)
            for name in ("mkwmail-test.db-wal", "mkwmail-test.db-shm"):
                (tmp_path / name).unlink(missing_ok=True)
            killed += killed_at_call(place, "pwrite64", number, "status", "directeurendag-2020")
            assert place.run("status", "directeurendag-2020").code == 0
        assert killed > 5
        assert place.send().json["sent"] == 2
        assert [server.bodies_of(address) for address in addresses] == [1] * 5
        with closing(sqlite3.connect(ledger)) as database:
            assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
