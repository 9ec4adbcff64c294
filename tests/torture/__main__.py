"""``make torture``: kills, faults, inputs and real servers, with one table of what they led to."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import postfix
from tests.sending.faults import FAULTS
from tests.torture.inputs import KINDS
from tests.torture.kills import Killing, by_conversation, by_system_call, kill_often

KILLS = 500  # with each number of connections
CALLS = 40
INPUTS = 15_000  # of each kind
_INPUTS = "tests.torture.fuzz"


@dataclass(frozen=True)
class Row:
    """What was done so many times, and what it led to; ``bad``: how often anything was not as promised."""

    what: str
    times: int
    lost: int = 0
    twice: int = 0
    in_doubt: int = 0
    bad: int = 0


def main() -> int:
    """Print the table; 1 where anything was not as promised."""
    columns = ("times", "lost", "twice", "in doubt", "bad", "seconds")
    print(f"{'':<40}{''.join(f'{each:>9}' for each in columns)}")
    bad = 0
    began = time.monotonic()
    for row in _rows():
        numbers = (row.times, row.lost, row.twice, row.in_doubt, row.bad, round(time.monotonic() - began))
        print(f"{row.what:<40}{''.join(f'{each:>9}' for each in numbers)}", flush=True)
        bad += row.lost + row.twice + row.bad
        began = time.monotonic()
    return bool(bad)


def _rows() -> Iterator[Row]:
    yield _checked("faults of a server", "tests/sending/test_faults.py", len(FAULTS))
    if postfix.POSTFIX and postfix.SASL and os.geteuid() == 0:
        yield _checked("mailings through Postfix", "tests/test_postfix.py", None)
    else:
        print("postfix or sasl2-bin is missing, or the rights to start it: no real server")
    yield from map(_inputs, KINDS)
    yield from _kills("kills at steps and moments", by_conversation, KILLS)
    if shutil.which("strace"):
        yield from _kills("kills at system calls", by_system_call, CALLS)
    else:
        print("strace is missing: no kills at system calls")


def _kills(what: str, way: Killing, kills: int) -> Iterator[Row]:
    for connections in (1, 4):
        with tempfile.TemporaryDirectory() as folder:
            tally = kill_often(Path(folder), kills, connections, connections, way)
        many = max(0, tally.most_in_doubt - connections)
        name = f"{what}, {connections} connection{'s' if connections > 1 else ''}"
        yield Row(name, tally.kills, len(tally.lost), len(tally.doubled), tally.in_doubt, many)


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
    command = [sys.executable, "-m", _INPUTS, kind, str(INPUTS)]
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
