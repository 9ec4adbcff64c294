"""``make torture``: kills, power cuts, copies, faults, inputs and real servers, with one table of what they led to.

The table is kept in docs/reliability.md too.
"""

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mkwmail import __version__
from tests import dovecot, postfix
from tests.delivery.faults import FAULTS
from tests.torture.backups import put_back_often
from tests.torture.copies import copy_often
from tests.torture.handovers import hand_over_often
from tests.torture.inbox import kill_inbox_often
from tests.torture.inputs import KINDS
from tests.torture.kills import MEMBERS, Tally, by_system_call, kill_often
from tests.torture.papers import kill_often_with_certificates
from tests.torture.power import cut_often, stop_at_each_call
from tests.workplace import ROOT, is_root

KILLS = 500  # with each number of connections
INBOX_KILLS = 200
CERTIFICATE_KILLS = 100  # likewise
COPIES = 250  # likewise
BACKUPS = 200  # likewise
HANDOVERS = 200
CALLS = 40
CUTS = 300
INPUTS = 15_000  # of each kind
CONNECTIONS = (1, 4)

_FIGURES = ROOT / "docs" / "reliability.md"
_TABLE = re.compile(r"(?<=<!-- The last `make torture` -->\n\n```\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
_COLUMNS = ("times", "lost", "twice", "in doubt", "bad", "seconds")


@dataclass(frozen=True)
class Row:
    """A kind of test with its number of times and outcomes; ``bad``: how often a promise was broken."""

    what: str
    times: int
    lost: int = 0
    twice: int = 0
    in_doubt: int = 0
    bad: int = 0

    def line(self, seconds: float) -> str:
        """The row as the table shows it."""
        numbers = (self.times, self.lost, self.twice, self.in_doubt, self.bad, round(seconds))
        return f"{self.what:<44}{''.join(f'{each:>9}' for each in numbers)}"


def main() -> int:
    """Print the table and keep it; 1 if anything was not as promised."""
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    say(_where())
    say(f"{'':<44}{''.join(f'{each:>9}' for each in _COLUMNS)}")
    bad = 0
    start = began = time.monotonic()
    for row in _rows():
        now = time.monotonic()
        say(row.line(now - began) if isinstance(row, Row) else row)
        began = now
        if isinstance(row, Row):
            bad += row.lost + row.twice + row.bad
    say(f"In all {(time.monotonic() - start) / 60:.0f} minutes.")
    kept, places = _TABLE.subn(lambda _table: "".join(f"{line}\n" for line in lines), _FIGURES.read_text("utf-8"))
    assert places == 1, f"no place for the table in {_FIGURES}"
    _FIGURES.write_text(kept, "utf-8")
    return bool(bad)


def _where() -> str:
    """When, with what, and on which kind of machine."""
    atheris = importlib.metadata.version("atheris") if importlib.util.find_spec("atheris") else None
    return ", ".join(
        (
            f"{datetime.now():%Y-%m-%d}: mkwmail {__version__}",
            f"Python {platform.python_version()}",
            f"SQLite {sqlite3.sqlite_version}",
            f"atheris {atheris}" if atheris else "no atheris",
            f"{platform.system()} {platform.machine()} with {os.cpu_count()} processors",
        )
    )


def _rows() -> Iterator[Row | str]:
    """A row for each trial, or a line about one that cannot be done here."""
    yield _checked("faults of a server", "tests/delivery/test_faults.py", len(FAULTS))
    if postfix.POSTFIX and postfix.SASL and is_root():
        yield _checked("situations with Postfix", "tests/test_postfix.py", None)
    else:
        yield "Not done: Postfix (postfix or sasl2-bin is missing, or the rights to start a server)."
    if dovecot.DOVECOT and is_root():
        yield _tried("killed while it reads the mailbox", 1, lambda folder, c: kill_inbox_often(folder, INBOX_KILLS, c))
    else:
        yield "Not done: Dovecot (dovecot-imapd is missing, or the rights to start a server)."
    yield from map(_inputs, KINDS)
    for connections in CONNECTIONS:
        yield _tried("killed at a step or moment", connections, lambda folder, c: kill_often(folder, KILLS, c, c))
        yield _tried(
            "killed with certificates",
            connections,
            lambda folder, c: kill_often_with_certificates(folder, CERTIFICATE_KILLS, c, c),
        )
        yield _tried(
            "copied or put back", connections, lambda folder, c: copy_often(folder, COPIES, c, c), most_in_doubt=MEMBERS
        )
        yield _tried(
            "backup put back",
            connections,
            lambda folder, c: put_back_often(folder, BACKUPS, c, c),
            most_in_doubt=MEMBERS,
        )
    yield _tried("handed over", 1, lambda folder, c: hand_over_often(folder, HANDOVERS, c))
    if not shutil.which("strace"):
        yield "Not done: kills and power cuts at calls of the system (strace is missing)."
        return
    for connections in CONNECTIONS:
        yield _tried(
            "killed at a call of the system",
            connections,
            lambda folder, c: kill_often(folder, CALLS, c, c, by_system_call),
        )
        yield _tried("stopped at each call", connections, stop_at_each_call)
        yield _tried("power cut", connections, lambda folder, c: cut_often(folder, CUTS, c, c), most_in_doubt=MEMBERS)


def _tried(what: str, connections: int, trial: Callable[[Path, int], Tally], most_in_doubt: int | None = None) -> Row:
    """``most_in_doubt``: after one stop; if not given, one for each connection."""
    with tempfile.TemporaryDirectory() as folder:
        tally = trial(Path(folder), connections)
    too_many = max(0, tally.most_in_doubt - (most_in_doubt or connections))
    name = f"{what}, {connections} connection{'s' if connections > 1 else ''}"
    for each in tally.bad:
        print(each)
    return Row(name, tally.kills, len(tally.lost), len(tally.doubled), tally.in_doubt, too_many + len(tally.bad))


def _checked(what: str, tests: str, times: int | None) -> Row:
    """Rows of a table in the tests, each of which also looks at who was lost or mailed twice."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--override-ini=addopts=", tests],
        capture_output=True,
        text=True,
        check=False,
    )
    passed, failed = (_number(rf"(\d+) {word}", done.stdout) for word in ("passed", "failed"))
    if done.returncode:
        print(done.stdout[-3000:])
    return Row(what, times or passed, bad=failed or bool(done.returncode))


def _inputs(kind: str) -> Row:
    command = [sys.executable, "-m", "tests.torture.fuzz", kind, str(INPUTS)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        print(done.stderr[-3000:])
    read = _number(r"number_of_executed_units: (\d+)", done.stdout + done.stderr)
    return Row(f"inputs: {kind}", read, bad=bool(done.returncode))


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
