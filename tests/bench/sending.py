"""The speed of sending, compared with other senders: ``make bench``.

All of them send to Postfix's ``smtp-sink`` on this computer, each as a process of its own, one after the other, in
rounds; the median counts. The table goes to ``docs/performance.md`` too, with a chart.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.bench.page import Line, Results, best, figures, write_page
from tests.bench.runs import CONNECTIONS, FAR, MANY, Measured, Run, measure, require_server
from tests.bench.senders import mailmerge_help, mkwmail, others, smtp_source, the_mail
from tests.workplace import a_place

ROUNDS = 5
SMALL, LARGE = 1_000, 100_000  # members
LARGE_ROUNDS = 3
PDF = 200 * 1024  # octets
NOISY = 1.25  # smtp-source's quickest round divided by its slowest: above it nothing can be said


def main() -> int:
    """Print the table and write the page.

    Returns 1 if a limit is not met, 2 if the machine was too noisy to judge. With ``--messages`` it only tries whether
    everything runs: it writes no page and judges nothing.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sending")
    parser.add_argument("--messages", type=int, help="try everything once, with at most this many messages a run")
    most: int | None = parser.parse_args().messages
    require_server()
    size, heavy = len(the_mail().as_bytes()), len(the_mail(PDF).as_bytes())
    runs = [
        *(Run("smtp-source", partial(smtp_source, each, size), MANY, each) for each in CONNECTIONS),
        *(Run("mkwmail", partial(mkwmail, each, 0), MANY, each) for each in CONNECTIONS),
        *others(),
        Run("smtp-source", partial(smtp_source, 4, heavy), MANY, 4, "200 KB PDF"),
        Run("mkwmail", partial(mkwmail, 4, PDF), MANY, 4, "200 KB PDF"),
        Run("smtp-source", partial(smtp_source, 10, size), FAR, 10, "20 ms", far=True),
        Run("mkwmail", partial(mkwmail, 10, 0), FAR, 10, "20 ms", far=True),
    ]
    lines = _in_turns(runs, ROUNDS, most)
    ours, source = best(lines, "mkwmail"), best(lines, "smtp-source")
    assert ours and source
    by_size = [replace(ours.run, count=SMALL), replace(ours.run, count=LARGE), replace(source.run, count=LARGE)]
    results = Results(
        lines=lines,
        by_size=_in_turns(by_size, LARGE_ROUNDS, most),
        size=size,
        heavy=heavy,
        noisy=NOISY,
        start_up=_start_up(),
    )
    if most:
        print(figures(results))
        return 0
    print(write_page(results))
    if results.spread > NOISY:
        return 2
    return 0 if all(limit.met for limit in results.limits) else 1


def _in_turns(runs: Iterable[Run], rounds: int, most: int | None) -> list[Line]:
    """Measure each run once in every round: a busy moment slows them all."""
    if most:
        runs, rounds = [replace(run, count=min(run.count, most)) for run in runs], 1
    measured: list[tuple[Run, list[Measured]]] = [(run, []) for run in runs]
    for number in range(rounds):
        for run, found in measured:
            print(f"round {number + 1} of {rounds}: {run.name}, {run.count:,} messages …", file=sys.stderr)
            found.append(measure(run))
    return [Line(run, found) for run, found in measured]


def _start_up() -> dict[str, float]:
    """Return the seconds that a person waits, the median of nine runs."""
    with tempfile.TemporaryDirectory() as name:
        place = a_place(Path(name))
        place.members(*(f"Lid;{n};Acht;lid{n}@example.org;Corporatie {n};lid" for n in range(40)))
        waits: dict[str, Sequence[str]] = {
            "mkwmail --help": [sys.executable, "-m", "mkwmail", "--help"],
            "mkwmail": place.command(),
            "mkwmail status": place.command("status", "directeurendag-2020"),
            "mkwmail check": place.command("check", "directeurendag-2020"),
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
