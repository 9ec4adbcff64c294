"""``inbox`` over a mailbox with 50,000 mails, in Debian's Dovecot on the same computer: seconds and memory.

``python -m tests.bench.mailbox`` writes the table in docs/performance.md and fails if a limit is not met; with
``--mails N`` it tries a smaller mailbox, and writes nothing.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from mkwmail import __version__
from tests.bench.page import PAGE
from tests.dovecot import DOVECOT, Dovecot
from tests.smtp_server import ScriptedServer
from tests.workplace import PEOPLE, a_place, is_root

MAILS = 50_000
MOST_FIRST, MOST_LATER = 30.0, 2.0  # seconds
LATER = "2020-02-19T15:00"
BEGIN, END = "<!-- the mailbox: made by make bench -->\n", "<!-- end of the mailbox -->\n"


class Reading(NamedTuple):
    """A run of ``inbox``: wall time and CPU in seconds, and megabytes at most."""

    name: str
    most: float
    seconds: float
    cpu: float
    memory: float


def read(mails: int) -> Iterator[Reading]:
    """Yield a first run over so many mails, and a second.

    They are mails of other people with several parts; one in ten refers to a message of our domain that is not ours.
    """
    with TemporaryDirectory() as name, ScriptedServer() as smtp, Dovecot() as box:
        place = a_place(Path(name), smtp.port)
        place.settings(smtp.port, box.settings(place))
        assert place.send().json["sent"] == len(PEOPLE)
        box.deliver_others(mails, "example.org", every=10)
        for run, most in (("first", MOST_FIRST), ("later", MOST_LATER)):
            began = time.monotonic()
            command, environment = place.command("inbox", "--json"), place.environment(LATER)
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            if sys.platform == "win32":
                raise SystemExit("Dovecot does not run on Windows")
            _pid, status, used = os.wait4(process.pid, 0)
            seconds = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            yield Reading(run, most, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def figures(mails: int, readings: list[Reading]) -> str:
    """Return the table as the page shows it."""
    rows = [
        f"| {each.name} | {each.most:.0f} | {each.seconds:.1f} | {each.cpu:.1f} | {each.memory:.0f} |"
        for each in readings
    ]
    head = f"{date.today():%-d %B %Y}: mkwmail {__version__}, {mails:,} mails."
    columns = ("| run | s at most | s | s of CPU | MB at most |", "|---|--:|--:|--:|--:|")
    return "\n".join((head, "", *columns, *rows)) + "\n"


def main() -> int:
    """Measure, write, judge."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, help="try a mailbox of so many, and leave the page as it is")
    wanted = parser.parse_args().mails
    if DOVECOT is None or not is_root():
        print("not measured: dovecot-imapd is missing, or the rights to start it", file=sys.stderr)
        return 0
    mails = wanted or MAILS
    readings = list(read(mails))
    made = figures(mails, readings)
    print(made)
    if not wanted:
        before, _begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _old, _end, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}{made}{END}{after}", encoding="utf-8")
    return int(any(each.seconds > each.most for each in readings))


if __name__ == "__main__":
    sys.exit(main())
