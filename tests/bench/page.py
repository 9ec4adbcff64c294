"""The figures of ``make bench`` as a table, and as the page ``docs/performance.md`` with its chart."""

import platform
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from mkwmail import __version__
from tests.workplace import ROOT

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "pictures" / "performance.svg"
_BEGIN, _END = "<!-- made by make bench -->\n", "<!-- end -->\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One sender: messages a second, microseconds of CPU a message, megabytes at the most."""

    name: str
    count: int
    rate: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Limit:
    """What is asked for, what was measured, and whether that meets it; ``theirs``: what smtp-source comes to."""

    words: str
    figure: float
    met: bool
    theirs: float | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """All that was measured; ``spread``: smtp-source's quickest round against its slowest."""

    lines: Sequence[Line]
    by_size: Sequence[Line]
    size: int
    heavy: int
    rounds: int
    spread: float
    noisy: float
    start_up: Mapping[str, float]

    def of(self, name: str) -> Line | None:
        """A sender by its name; None where it could not be had."""
        return next((line for line in self.lines if line.name == name), None)

    @property
    def best(self) -> float:
        """smtp-source's best rate with messages of the usual size."""
        return max(line.rate for line in self.lines if line.name.startswith("smtp-source") and line.count > 5_000)

    @property
    def limits(self) -> list[Limit]:
        """What is asked for, and what came of it."""
        return list(self._limits())

    def _limits(self) -> Iterator[Limit]:
        ours, source = self.of("mkwmail, 4 connections"), self.of("smtp-source, 10 sessions")
        assert ours and source
        _few, usual, most = self.by_size
        yield _at_least("0.6 of smtp-source's best rate", ours.rate / self.best, 0.6, 1)
        yield _at_least("0.6 of it with 100,000 members", most.rate / self.best, 0.6, 1)
        yield _at_most("3 times the CPU of smtp-source's best", ours.cpu / source.cpu, 3, 1)
        for name, times in (("mailmerge", 35), ("nodemailer, pool of 5", 15)):
            if other := self.of(name):
                yield _at_least(f"{times} times {name}", ours.rate / other.rate, times, self.best / other.rate)
        heavy, source_heavy = (
            self.of("mkwmail, 4 connections, 200 KB PDF"),
            self.of("smtp-source, 4 sessions, 200 KB PDF"),
        )
        far, source_far = self.of("mkwmail, 10 connections, 20 ms"), self.of("smtp-source, 10 sessions, 20 ms")
        assert heavy and source_heavy and far and source_far
        yield _at_least("0.5 of the rate without a PDF", heavy.rate / ours.rate, 0.5, source_heavy.rate / self.best)
        yield _at_least("3 times smtp-source at a round trip of 20 ms", far.rate / source_far.rate, 3, 1)
        yield _at_most("200 MB for 100,000 members", most.memory, 200)
        yield _at_most("1.1 times the time a message of 10,000", usual.rate / most.rate, 1.1)
        if "mailmerge --help" in self.start_up:
            ratio = self.start_up["mkwmail --help"] / self.start_up["mailmerge --help"]
            yield _at_most("0.6 of mailmerge's time for --help", ratio, 0.6)
        yield _at_most("1 s for a dry run of 40 members", self.start_up["mkwmail send --dry-run, 40 members"], 1)


def _at_least(words: str, figure: float, limit: float, theirs: float | None = None) -> Limit:
    return Limit(f"at least {words}", figure, figure >= limit, theirs)


def _at_most(words: str, figure: float, limit: float, theirs: float | None = None) -> Limit:
    return Limit(f"at most {words}", figure, figure <= limit, theirs)


def write_page(results: Results) -> str:
    """Put the figures into the page, and draw the chart; what was put."""
    figures = "".join(f"{line}\n" for line in _figures(results))
    before, _begin, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _old, _end, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}{figures}{_END}{after}", encoding="utf-8")
    CHART.write_text(_chart(results), encoding="utf-8")
    return figures


def _figures(results: Results) -> Iterator[str]:
    yield f"{date.today():%-d %B %Y}: mkwmail {__version__}, {_versions()}. Messages of {results.size:,} octets, or"
    yield f"{results.heavy:,} with the PDF; the median of {results.rounds} rounds. smtp-source's quickest round was"
    yield f"{results.spread:.2f} times its slowest" + (
        f": more than {results.noisy}, so the machine was too noisy to judge."
        if results.spread > results.noisy
        else "."
    )
    yield ""
    yield "| sender | messages | a second | to the best smtp-source | µs of CPU a message | MB at most |"
    yield "|---|--:|--:|--:|--:|--:|"
    for line in (*results.lines, *results.by_size):
        cells = (f"{line.rate:,.0f}", f"{line.rate / results.best:.3f}", f"{line.cpu:,.0f}", f"{line.memory:,.0f}")
        yield f"| {line.name} | {line.count:,} | {' | '.join(cells)} |"
    yield ""
    yield "| start-up | seconds |"
    yield "|---|--:|"
    for what, seconds in results.start_up.items():
        yield f"| {what} | {seconds:.2f} |"
    yield ""
    yield "| asked for | measured | met | smtp-source itself |"
    yield "|---|--:|---|--:|"
    for limit in results.limits:
        theirs = "" if limit.theirs is None else f"{limit.theirs:.2f}"
        yield f"| {limit.words} | {limit.figure:.2f} | {'yes' if limit.met else 'no'} | {theirs} |"


def _versions() -> str:
    postfix = subprocess.run(["dpkg-query", "-Wf", "${Version}", "postfix"], capture_output=True, text=True).stdout
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, Postfix {postfix or 'unknown'}"


_BAR, _LEFT, _WIDTH = 26, 300, 420


def _chart(results: Results) -> str:
    """The rates as bars, in an SVG that stands by itself."""
    most = max(line.rate for line in results.lines)
    bars = []
    for number, line in enumerate(results.lines):
        top, width = 10 + number * _BAR, max(1.0, line.rate / most * _WIDTH)
        colour = "#14545e" if line.name.startswith("mkwmail") else "#a9b8bb"
        bars.append(
            f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(line.name)}</text>'
            f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="18" fill="{colour}"/>'
            f'<text x="{_LEFT + width + 6:.0f}" y="{top + 14}">{line.rate:,.0f}</text>'
        )
    height = 20 + len(results.lines) * _BAR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 80}" height="{height}" role="img"'
        ' font-family="sans-serif" font-size="13"><title>Messages a second, by sender</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(bars)}</svg>\n'
    )
