"""Opening the ledger: made once, never doubled, never overwritten, and refused with a remedy."""

import os
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mkwmail.clock import ZONE
from mkwmail.errors import ExitCode, UserError
from mkwmail.ledger import deliveries, people, runs
from mkwmail.ledger.database import Database
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Claim, Result, Round, State
from mkwmail.ledger.people import Listed, Person
from mkwmail.ledger.schema import FIRST, MIGRATIONS, migrate
from tests.torture.later_version import LATER
from tests.workplace import is_root

NOW = datetime(2020, 2, 17, 9, tzinfo=ZONE)
NEWEST = FIRST + len(MIGRATIONS) - 1


def opened(folder: Path, computer: str = "here") -> Ledger:
    return Ledger.open(folder / "mkwmail.db", folder / "mkwmail.id", NOW, computer)


def made(folder: Path) -> str:
    with opened(folder) as ledger:
        ledger.record_persons([Listed("jan@example.org", "Jan Smit")], NOW)
        return ledger.id


def refusal(folder: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        opened(folder)
    assert caught.value.faults[0].remedy
    return caught.value


def test_it_is_made_once_and_keeps_its_secret(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        secret = ledger.secret
        assert len(secret) == 32
    with opened(tmp_path) as ledger:
        assert ledger.secret == secret
        assert (tmp_path / "mkwmail.id").read_text() == f"{ledger.id}\n"


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.record_persons([Listed("jan@example.org", "Jan Smit")], NOW)
        for name in ("mkwmail.db", "mkwmail.db-wal", "mkwmail.db-shm"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    (tmp_path / "mkwmail.db").chmod(0o644)
    opened(tmp_path).close()
    assert stat.S_IMODE((tmp_path / "mkwmail.db").stat().st_mode) == 0o600


def test_every_commit_is_durable(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        database = ledger.database
        assert database.execute("PRAGMA journal_mode") == [("wal",)]
        assert database.execute("PRAGMA synchronous") == [(2,)]
        assert database.execute("PRAGMA foreign_keys") == [(1,)]
        # No people's data in temporary files.
        assert database.execute("PRAGMA temp_store") == [(2,)]


@pytest.mark.parametrize("leave", ["nothing", "an empty file", "a file without tables"])
def test_a_lost_ledger_is_not_replaced(tmp_path: Path, leave: str) -> None:
    made(tmp_path)
    (tmp_path / "mkwmail.db").unlink()
    if leave == "an empty file":
        (tmp_path / "mkwmail.db").touch()
    elif leave == "a file without tables":
        with sqlite3.connect(tmp_path / "mkwmail.db") as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    error = refusal(tmp_path)
    assert error.code is ExitCode.SETTINGS and "mkwmail.id" in str(error)
    # Asked again, it is still refused: nothing was made meanwhile.
    assert refusal(tmp_path).code is ExitCode.SETTINGS


def test_a_lost_name_is_written_again(tmp_path: Path) -> None:
    name = made(tmp_path)
    (tmp_path / "mkwmail.id").unlink()
    with opened(tmp_path) as ledger:
        assert ledger.id == name and len(people.persons(ledger.database)) == 1
    assert (tmp_path / "mkwmail.id").read_text().strip() == name


def test_another_folders_ledger_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made(tmp_path / name)
    (tmp_path / "a/mkwmail.db").replace(tmp_path / "b/mkwmail.db")
    assert refusal(tmp_path / "b").code is ExitCode.SETTINGS


@pytest.mark.parametrize("place", [0, 100, 4096, 8192])
def test_a_damaged_ledger_is_refused_and_left_as_it_is(tmp_path: Path, place: int) -> None:
    made(tmp_path)
    path = tmp_path / "mkwmail.db"
    data = bytearray(path.read_bytes())
    data[place : place + 600] = b"\xff" * 600
    path.write_bytes(data)
    error = refusal(tmp_path)
    assert error.code is ExitCode.LEDGER_FAULT and "damaged" in str(error)
    assert "malformed" not in str(error)  # SQLite's words, which are English in every language
    assert path.read_bytes() == data


def test_a_text_file_in_its_place_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mkwmail.db"
    path.write_text("geen database, maar een brief\n" * 100)
    before = path.read_bytes()
    assert refusal(tmp_path).code is ExitCode.LEDGER_FAULT
    assert path.read_bytes() == before and not (tmp_path / "mkwmail.id").exists()


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mkwmail.db") as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = (tmp_path / "mkwmail.db").read_bytes()
    assert "not a ledger" in str(refusal(tmp_path))
    assert (tmp_path / "mkwmail.db").read_bytes() == before


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    with sqlite3.connect(tmp_path / "mkwmail.db") as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    connection.close()
    error = refusal(tmp_path)
    assert error.code is ExitCode.LEDGER_FAULT and "newer" in str(error)


@pytest.mark.parametrize("version", [1, FIRST - 1])
def test_the_ledger_of_an_unreleased_version_is_refused_and_left_as_it_is(tmp_path: Path, version: int) -> None:
    made(tmp_path)
    with sqlite3.connect(tmp_path / "mkwmail.db") as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    error = refusal(tmp_path)
    assert error.code is ExitCode.LEDGER_FAULT and "never released" in str(error)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_migration_keeps_a_copy_and_is_recorded(tmp_path: Path) -> None:
    made(tmp_path)
    database = Database(tmp_path / "mkwmail.db")
    migrate(database, NOW, LATER)
    migrate(database, NOW, LATER)
    assert database.execute("SELECT number, name FROM migrations ORDER BY number") == [
        (number, migration[0]) for number, migration in enumerate(LATER, start=FIRST)
    ]
    database.close()
    (copy,) = tmp_path.glob("mkwmail.db.before-*")
    assert copy.name == f"mkwmail.db.before-{NEWEST + 1}"
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM persons").fetchone() == (1,)
        assert connection.execute("PRAGMA user_version").fetchone() == (NEWEST,)
    connection.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600 or os.name == "nt"


@pytest.mark.parametrize("length", range(1, len(LATER)))
def test_whom_an_older_program_mailed_is_not_mailed_again(tmp_path: Path, length: int) -> None:
    older = Database(tmp_path / "mkwmail.db")
    older.make_durable()
    migrate(older, NOW, LATER[:length])
    older.execute("INSERT INTO ledger VALUES (1, 'name', zeroblob(32), 'here', ?)", (NOW.isoformat(),))
    invitation = Round("dag-2020", "invitation")
    # An older program did not know the columns of today.
    jan = Person("a" * 32, "jan@example.org", "Jan Smit")
    older.execute(
        "INSERT INTO persons (key, address, name, organisation, number, since) VALUES (?, ?, ?, '', '', ?)",
        (jan.key, jan.address, jan.name, NOW.isoformat()),
    )
    with Ledger(older, "here", "boot", None) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        letter = deliveries.keep_letter(ledger.database, b"Beste Jan")
        claim = Claim(jan.key, "jan@example.org", letter, {}, "<m@example.org>", NOW, "0" * 64)
        (attempt,) = ledger.record_and_claim(invitation, (), [claim], NOW)
        deliveries.record(ledger.database, [Result(attempt, State.SENT, 250)], NOW)
    newer = Database(tmp_path / "mkwmail.db")
    migrate(newer, NOW, LATER)
    with Ledger(newer, "here", "boot", None) as ledger, ledger.hold("send", NOW):
        ledger.settle(NOW)
        assert [(each.person, each.state) for each in deliveries.of_event(ledger.database, "dag-2020")] == [
            (jan.key, State.SENT)
        ]
        with pytest.raises(UserError):
            ledger.record_and_claim(invitation, (), [claim], NOW)
    # The same tables as a ledger that the newer program made.
    other = Database(tmp_path / "new.db")
    migrate(other, NOW, LATER)
    other.close()
    tables = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    shapes = []
    for name in ("mkwmail.db", "new.db"):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            shapes.append(database.execute(tables).fetchall())
    assert shapes[0] == shapes[1]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    made(tmp_path)
    broken = (
        *MIGRATIONS,
        ("breaks", ("ALTER TABLE persons ADD COLUMN extra TEXT", "INSERT INTO nowhere VALUES (1)")),
    )
    database = Database(tmp_path / "mkwmail.db")
    with pytest.raises(UserError):
        migrate(database, NOW, broken)
    database.close()
    with opened(tmp_path) as ledger:
        assert len(people.persons(ledger.database)) == 1
        columns = ledger.database.execute("SELECT name FROM pragma_table_info('persons')")
        assert ("extra",) not in columns


def test_two_that_make_it_at_once_make_one(tmp_path: Path) -> None:
    ids: list[str] = []

    def make() -> None:
        with opened(tmp_path) as ledger:
            ids.append(ledger.id)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4 and len(set(ids)) == 1


def test_it_knows_its_computer(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        assert not ledger.other_computer
    with opened(tmp_path, computer="there") as ledger:
        assert ledger.other_computer and ledger.made_on == "here"
        ledger.adopt("there")
        assert not ledger.other_computer
    with opened(tmp_path, computer="there") as ledger:
        assert not ledger.other_computer


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone").code is ExitCode.LEDGER_FAULT


@pytest.mark.skipif(os.name == "nt" or is_root(), reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "mkwmail.db").chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        assert refusal(tmp_path).code is ExitCode.LEDGER_FAULT
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_says_so_and_keeps_what_was(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        pages = ledger.database.number("PRAGMA page_count")
        ledger.database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(UserError) as caught:
            deliveries.keep_letter(ledger.database, os.urandom(100_000))
        assert caught.value.code is ExitCode.LEDGER_FAULT and "full" in str(caught.value)
        ledger.database.execute("PRAGMA max_page_count = 1000000")
        deliveries.keep_letter(ledger.database, os.urandom(100_000))


def test_a_ledger_locked_by_another_program_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path)
    other = sqlite3.connect(tmp_path / "mkwmail.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("mkwmail.ledger.database.BUSY_SECONDS", 0.01)
    with opened(tmp_path) as ledger, pytest.raises(UserError) as caught:
        ledger.record_persons([Listed("els@example.org", "Els")], NOW)
    other.close()
    assert caught.value.code is ExitCode.LEDGER_FAULT and "locked" in str(caught.value)


def test_the_second_run_hears_who_holds_it(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as two:
        with one.hold("send", NOW):
            with pytest.raises(UserError) as caught, two.hold("due", NOW):
                pass
            assert caught.value.code is ExitCode.LEDGER_HELD
            assert f"send (process {os.getpid()}), since 17 February 2020 09:00" in str(caught.value)
            # The refused one took nothing away.
            with pytest.raises(UserError), two.hold("due", NOW):
                pass
        with two.hold("due", NOW + timedelta(minutes=1)):
            pass
        run = runs.last(one.database, "due")
        assert run is not None and run.started == NOW + timedelta(minutes=1)
        assert runs.last(one.database, "schedule") is None


def test_only_a_run_that_holds_it_may_mail(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        with pytest.raises(RuntimeError):
            ledger.settle(NOW)
        with ledger.hold("send", NOW), pytest.raises(RuntimeError):
            _ = ledger.wire
