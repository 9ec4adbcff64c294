"""A short form of ``make torture``: whenever the program is killed, everybody gets it once or is named as in doubt."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mkwmail.ledger.schema import FIRST
from tests import dovecot
from tests.smtp_server import DROP, ScriptedServer
from tests.torture.inbox import kill_inbox_often
from tests.torture.kills import kill_often, killed_at_writes
from tests.torture.later_version import LATER
from tests.torture.papers import kill_often_with_certificates
from tests.workplace import MOMENT, PEOPLE, Place, Ran, a_place

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


@pytest.mark.long
def test_killed_while_certificates_are_sent_everybody_has_one_the_same_to_the_byte(tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="typst makes the PDFs: pip install 'mkwmail[papers]'")
    tally = kill_often_with_certificates(tmp_path, kills=12, seed=2, connections=2)
    assert (tally.lost, tally.doubled, tally.bad) == ([], [], [])
    assert tally.most_in_doubt <= 2


@pytest.mark.long
@dovecot.missing
def test_killed_while_it_reads_the_mailbox_it_ends_as_a_quiet_run_does(tmp_path: Path) -> None:
    tally = kill_inbox_often(tmp_path, kills=10, seed=5)
    assert (tally.doubled, tally.bad) == ([], [])


class LaterPlace(Place):
    """A working folder in which a later version of the program runs."""

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tests.torture.later_version", "--folder", str(self.folder), *words]

    def run(self, *words: str, now: str = MOMENT, **environment: str) -> Ran:
        chosen = self.environment(now, **environment)
        done = subprocess.run(self.command(*words), env=chosen, capture_output=True, text=True, timeout=120)
        return Ran(done.returncode, done.stdout, done.stderr)


@needs_strace
def test_killed_while_it_brings_an_older_ledger_up_to_date(tmp_path: Path) -> None:
    addresses = [row.split(";")[3] for row in PEOPLE]
    with ScriptedServer() as server:
        place = a_place(tmp_path, server.port)
        assert place.send("--limit", "3").json["sent"] == 3
        later = LaterPlace(place.folder)
        killed = 0
        # The first sixty or so write the copy, the others the ledger.
        for hit in killed_at_writes(later, range(1, 120, 9), "status", EVENT):
            killed += hit
            assert later.run("status", EVENT).code == 0
        assert killed > 9
        assert later.send().json["sent"] == 2
        assert [server.bodies_of(address) for address in addresses] == [1] * 5
        newest = FIRST + len(LATER) - 1
        assert _read(place, "PRAGMA user_version") == [(newest,)]
        assert _read(place, "PRAGMA integrity_check") == [("ok",)]
        # The program that made it does not read what it does not know.
        refused = place.run("status", EVENT)
        assert refused.code == 74 and "newer mkwmail" in refused.err


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
