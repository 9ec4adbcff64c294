"""How fast mails go out, beside others who send the same: ``make bench``.

Everybody sends to Postfix's ``smtp-sink`` on this computer, each as a process of its own, one after the other, in so
many rounds; what counts is the median. The table goes to ``docs/performance.md`` too, with a chart.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.page import Line, Results, write_page
from tests.bench.senders import SBIN, Command, mailmerge_help, mkwmail, others, smtp_source, the_mail
from tests.workplace import MOMENT, ROOT, a_place

ROUNDS = 5
MANY = 10_000  # messages of those who are quick
FEW = 1_000  # of those who are not: a round would last minutes
FAR = 2_000  # with a round trip of 20 ms
SIZES = (1_000, 10_000, 100_000)
PDF = 200 * 1024
NOISY = 1.25  # smtp-source's quickest round against its slowest: beyond it nothing can be said


@dataclass(frozen=True, slots=True)
class Run:
    """One sender in one setting: how many messages, by which command, over which network."""

    command: Command
    count: int
    far: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: messages a second, microseconds of CPU a message, megabytes at the most."""

    rate: float
    cpu: float
    memory: float


def main() -> int:
    """Print the table and write the page; 1 where a limit is not met, 2 where the machine was too noisy to judge."""
    if not shutil.which("smtp-sink", path=SBIN):
        print("smtp-sink and smtp-source are missing (Debian package postfix)")
        return 1
    size, heavy = len(the_mail().as_bytes()), len(the_mail(PDF).as_bytes())
    runs = {
        "smtp-source, 4 sessions": Run(partial(smtp_source, 4, size), MANY),
        "smtp-source, 10 sessions": Run(partial(smtp_source, 10, size), MANY),
        "mkwmail, 1 connection": Run(partial(mkwmail, 1, 0), MANY),
        "mkwmail, 4 connections": Run(partial(mkwmail, 4, 0), MANY),
        **{name: Run(command, FEW) for name, command in others().items()},
        "smtp-source, 4 sessions, 200 KB PDF": Run(partial(smtp_source, 4, heavy), MANY),
        "mkwmail, 4 connections, 200 KB PDF": Run(partial(mkwmail, 4, PDF), MANY),
        "smtp-source, 10 sessions, 20 ms": Run(partial(smtp_source, 10, size), FAR, far=True),
        "mkwmail, 10 connections, 20 ms": Run(partial(mkwmail, 10, 0), FAR, far=True),
    }
    measured: dict[str, list[Measured]] = {name: [] for name in runs}
    for number in range(ROUNDS):
        for name, run in runs.items():
            print(f"round {number + 1} of {ROUNDS}: {name} …", file=sys.stderr)
            measured[name].append(_measure(run))
    by_size = {}
    for count in SIZES:
        print(f"{count} members …", file=sys.stderr)
        by_size[count] = [_measure(Run(partial(mkwmail, 4, 0), count)) for _round in range(3)]
    sources = [run.rate for run in measured["smtp-source, 10 sessions"]]
    results = Results(
        lines=[_line(name, runs[name].count, each) for name, each in measured.items()],
        by_size=[_line(f"{count} members", count, each) for count, each in by_size.items()],
        size=size,
        heavy=heavy,
        rounds=ROUNDS,
        spread=max(sources) / min(sources),
        noisy=NOISY,
        start_up=_start_up(),
    )
    print(write_page(results))
    if results.spread > NOISY:
        return 2
    return 0 if all(limit.met for limit in results.limits) else 1


def _line(name: str, count: int, runs: Sequence[Measured]) -> Line:
    return Line(
        name,
        count,
        *(statistics.median(getattr(run, field) for run in runs) for field in ("rate", "cpu", "memory")),
    )


def _measure(run: Run) -> Measured:
    with _server() as near, tempfile.TemporaryDirectory() as name, _network(near, run.far) as port:
        folder = Path(name)
        return _timed(run.command(port, run.count, folder), run.count, folder)


@contextmanager
def _server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    sink = shutil.which("smtp-sink", path=SBIN) or "smtp-sink"
    running = subprocess.Popen([sink, "-u", "nobody", f"127.0.0.1:{port}", "100"])
    try:
        _until_it_listens(port)
        yield port
    finally:
        running.terminate()
        running.wait(10)


def _until_it_listens(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("smtp-sink does not listen")


@contextmanager
def _network(port: int, far: bool) -> Iterator[int]:
    if not far:
        yield port
        return
    between = subprocess.Popen([sys.executable, "-m", "tests.bench.delay", str(port)], stdout=subprocess.PIPE, cwd=ROOT)
    assert between.stdout
    try:
        yield int(between.stdout.readline())
    finally:
        between.kill()
        between.wait(10)
        between.stdout.close()


def _timed(command: Sequence[str], count: int, folder: Path) -> Measured:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "MKWMAIL_NOW": MOMENT, "LC_ALL": "C.UTF-8"}
    environment["MKWMAIL_STATE"] = str(folder / ".state")
    with (folder / "said").open("wb") as said:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        _pid, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:3]}: {(folder / 'said').read_text(errors='replace')[-1000:]}")
    cpu = (used.ru_utime + used.ru_stime) / count * 1e6
    return Measured(count / seconds, cpu, used.ru_maxrss / 1024)


def _start_up() -> dict[str, float]:
    """Seconds of what a person waits for, the median of nine runs."""
    with tempfile.TemporaryDirectory() as name:
        place = a_place(Path(name))
        place.members(*(f"Lid;{n};Acht;lid{n}@example.org;Corporatie {n};lid" for n in range(40)))
        waits: dict[str, Sequence[str]] = {
            "mkwmail --help": [sys.executable, "-m", "mkwmail", "--help"],
            "mkwmail send --dry-run, 40 members": place.command(
                "send", "directeurendag-2020", "invitation", "--dry-run"
            ),
        }
        theirs = mailmerge_help()
        if theirs:
            waits["mailmerge --help"] = theirs
        found: dict[str, list[float]] = {what: [] for what in waits}
        for _round in range(9):
            for what, command in waits.items():
                began = time.monotonic()
                subprocess.run(command, env=place.environment(), check=True, capture_output=True)
                found[what].append(time.monotonic() - began)
    return {what: statistics.median(seconds) for what, seconds in found.items()}


if __name__ == "__main__":
    sys.exit(main())
