"""The bench compares like with like: kept connections, best rates."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bench import mailbox
from tests.bench.page import PAGE, Limit, Line, Results
from tests.bench.runs import SBIN, Measured, Run
from tests.bench.senders import smtp_source
from tests.smtp_server import ScriptedServer

_START_UP = {"mkwmail --help": 0.05, "mailmerge --help": 0.1, "mkwmail send --dry-run, 40 members": 0.4}


@pytest.mark.skipif(not shutil.which("smtp-source", path=SBIN), reason="smtp-source is missing: apt install postfix")
def test_smtp_source_keeps_its_connections_and_sends_as_many_messages_as_asked(tmp_path: Path) -> None:
    with ScriptedServer() as server:
        subprocess.run(smtp_source(4, 1_000, server.port, 30, tmp_path), check=True, timeout=60)
    assert (server.connections, len(server.taken)) == (4, 30)


def _line(sender: str, rate: float, connections: int, setting: str = "", count: int = 10_000) -> Line:
    return Line(Run(sender, lambda *_given: (), count, connections, setting), [Measured(rate, cpu=100, memory=150)])


def _limits(ours: float = 450, large: float = 550, far: float = 30) -> list[Limit]:
    lines = [
        _line("smtp-source", 900, 4),
        _line("smtp-source", 1_000, 10),
        _line("mkwmail", ours, 1),
        _line("mkwmail", ours - 1, 4),
        # Quick, but other mail or another network: never the best rate.
        _line("mkwmail", 9_000, 4, "200 KB PDF"),
        _line("smtp-source", 9_000, 4, "200 KB PDF"),
        _line("smtp-source", 10, 10, "20 ms"),
        _line("mkwmail", far, 10, "20 ms"),
    ]
    by_size = [
        _line("mkwmail", 100, 1, count=1_000),
        _line("mkwmail", large, 1, count=100_000),
        _line("smtp-source", 1_000, 10, count=100_000),
    ]
    return Results(lines, by_size, size=1, heavy=1, noisy=1.25, start_up=_START_UP).limits


def test_each_limit_takes_both_at_their_best_number_of_connections() -> None:
    assert [limit.figure for limit in _limits()] == [0.45, 0.55, 3, 150, 0.5, 0.4]
    assert all(limit.met for limit in _limits())


def test_a_rate_just_below_its_limit_does_not_meet_it() -> None:
    assert [limit.met for limit in _limits(ours=449)] == [False, True, True, True, True, True]
    assert [limit.met for limit in _limits(large=549)] == [True, False, True, True, True, True]
    assert [limit.met for limit in _limits(far=29)] == [True, True, False, True, True, True]


def test_the_page_names_every_limit() -> None:
    _made, _begin, asked = PAGE.read_text(encoding="utf-8").partition("## Requirements")
    rows = [f"| {limit.words} | {limit.wanted or ''} |" for limit in _limits()]
    assert [row for row in rows if row not in asked] == []
    assert asked.count("| at ") == len(rows)


def test_the_page_has_the_table_of_the_mailbox_with_its_limits() -> None:
    _before, _begin, rest = PAGE.read_text(encoding="utf-8").partition(mailbox.BEGIN)
    made, end, _after = rest.partition(mailbox.END)
    assert end
    for run, most in (("first", mailbox.MOST_FIRST), ("later", mailbox.MOST_LATER)):
        row = mailbox.figures(50_000, [mailbox.Reading(run, most, 1, 1, 50)]).splitlines()[-1]
        assert row.startswith(f"| {run} | {most:.0f} |") and f"\n| {run} | {most:.0f} |" in made
