"""The figures of ``make bench``, its page and its chart."""

import platform
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from mkwmail import __version__
from tests.bench.runs import Measured, Run, median
from tests.workplace import ROOT

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "pictures" / "performance.svg"
_BEGIN, _END = "<!-- made by make bench -->\n", "<!-- end -->\n"
LETTERS = "<!-- made by python -m tests.bench.letters -->\n"


@dataclass(frozen=True, slots=True)
class Line:
    """A run, and what it came to in each round."""

    run: Run
    rounds: Sequence[Measured]

    @property
    def median(self) -> Measured:
        """Return the median of each figure on its own."""
        return median(self.rounds)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that is asked for, and the figure that was measured.

    ``wanted``: the better figure that is aimed at, if there is one.
    """

    words: str
    figure: float
    met: bool
    wanted: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of mkwmail that has no limit, and smtp-source's own."""

    words: str
    ours: float
    source: float


@dataclass(frozen=True, slots=True)
class Results:
    """All that was measured.

    ``by_size``: mkwmail with few members and with many, and smtp-source with as many messages. ``size``, ``heavy``:
    octets of a message, without and with the PDF. ``noisy``: the spread above which nothing can be said.
    """

    lines: Sequence[Line]
    by_size: Sequence[Line]
    size: int
    heavy: int
    noisy: float
    start_up: Mapping[str, float]

    def best(self, sender: str) -> Line:
        """Return the line of a sender's best number of connections."""
        found = best(self.lines, sender)
        assert found, sender
        return found

    def of(self, name: str) -> Line:
        """Return the line with this name."""
        return next(line for line in self.lines if line.run.name == name)

    @property
    def spread(self) -> float:
        """The rate of smtp-source's quickest round divided by that of its slowest."""
        rates = [each.rate for each in self.best("smtp-source").rounds]
        return max(rates) / min(rates)

    @property
    def limits(self) -> list[Limit]:
        """The limits, and the measured values."""
        return list(self._limits())

    def _limits(self) -> Iterator[Limit]:
        ours, source = self.best("mkwmail"), self.best("smtp-source")
        _small, large, source_large = self.by_size
        for each, theirs, limit, wanted in ((ours, source, 0.45, 0.6), (large, source_large, 0.55, 0.7)):
            words = f"{limit} of smtp-source's rate with {each.run.count:,} members"
            yield _at_least(words, each.median.rate / theirs.median.rate, limit, wanted)
        far, source_far = (self.of(f"{sender}, 10 connections, 20 ms") for sender in ("mkwmail", "smtp-source"))
        words = "3 times smtp-source's rate at a round trip of 20 ms, both with 10 connections"
        yield _at_least(words, far.median.rate / source_far.median.rate, 3)
        yield _at_most(f"200 MB for {large.run.count:,} members", large.median.memory, 200)
        if "mailmerge --help" in self.start_up:
            ratio = self.start_up["mkwmail --help"] / self.start_up["mailmerge --help"]
            yield _at_most("0.6 of mailmerge's time for --help", ratio, 0.6)
        yield _at_most("1 s for a dry run of 40 members", self.start_up["mkwmail send --dry-run, 40 members"], 1)

    def comparisons(self) -> Iterator[Comparison]:
        """Yield what is worth knowing and is not a limit."""
        ours, source = self.best("mkwmail").median, self.best("smtp-source").median
        yield Comparison("smtp-source's CPU a message", ours.cpu / source.cpu, 1)
        for sender in ("mailmerge", "nodemailer"):
            if other := best(self.lines, sender):
                rate = other.median.rate
                yield Comparison(f"{sender}'s rate", ours.rate / rate, source.rate / rate)
        heavy, source_heavy = (
            self.of(f"{sender}, 4 connections, 200 KB PDF").median.rate
            / self.of(f"{sender}, 4 connections").median.rate
            for sender in ("mkwmail", "smtp-source")
        )
        yield Comparison("its own rate without the PDF, with it (4 connections)", heavy, source_heavy)
        _small, large, source_large = self.by_size
        words = f"its own rate with {self.best('mkwmail').run.count:,} messages, with {large.run.count:,}"
        yield Comparison(words, large.median.rate / ours.rate, source_large.median.rate / source.rate)


def best(lines: Iterable[Line], sender: str) -> Line | None:
    """Return the line of a sender's best number of connections, or None.

    Only the usual mail on the usual network counts.
    """
    usual = (line for line in lines if line.run.sender == sender and not line.run.setting)
    return max(usual, key=lambda line: line.median.rate, default=None)


def _at_least(words: str, figure: float, limit: float, wanted: float | None = None) -> Limit:
    return Limit(f"at least {words}", figure, figure >= limit, wanted)


def _at_most(words: str, figure: float, limit: float) -> Limit:
    return Limit(f"at most {words}", figure, figure <= limit)


def write_page(results: Results) -> str:
    """Put the figures into the page, draw the chart, and return the figures."""
    made = figures(results)
    keep(made, _BEGIN)
    CHART.write_text(_chart(results), encoding="utf-8")
    return made


def figures(results: Results) -> str:
    """Return the figures as the page shows them."""
    return "".join(f"{line}\n" for line in _figures(results))


def _figures(results: Results) -> Iterator[str]:
    yield f"{date.today():%-d %B %Y}: mkwmail {__version__}, {_versions()}. Messages of {results.size:,} octets, or"
    usual, by_size = len(results.lines[0].rounds), len(results.by_size[0].rounds)
    yield f"{results.heavy:,} with the PDF. The figures are medians of {usual} rounds; those of the last three rows, of"
    yield f"{by_size} rounds in which only these three took turns. smtp-source's quickest round was"
    yield f"{results.spread:.2f} times its slowest" + (
        f": more than {results.noisy}, so the machine was too noisy to judge."
        if results.spread > results.noisy
        else "."
    )
    yield ""
    yield "| sender | messages | a second | to the best smtp-source | µs of CPU a message | MB at most |"
    yield "|---|--:|--:|--:|--:|--:|"
    base = results.best("smtp-source").median.rate
    for line in (*results.lines, *results.by_size):
        found = line.median
        cells = (f"{found.rate:,.0f}", f"{found.rate / base:.3f}", f"{found.cpu:,.0f}", f"{found.memory:,.0f}")
        yield f"| {line.run.name} | {line.run.count:,} | {' | '.join(cells)} |"
    yield ""
    yield "| start-up | seconds |"
    yield "|---|--:|"
    for what, seconds in results.start_up.items():
        yield f"| {what} | {seconds:.2f} |"
    yield ""
    yield "| asked for | wanted | measured | met |"
    yield "|---|--:|--:|---|"
    for limit in results.limits:
        wanted = "" if limit.wanted is None else f"{limit.wanted}"
        yield f"| {limit.words} | {wanted} | {limit.figure:.2f} | {'yes' if limit.met else 'no'} |"
    yield ""
    yield "| compared with | mkwmail | smtp-source |"
    yield "|---|--:|--:|"
    for each in results.comparisons():
        yield f"| {each.words} | {each.ours:.2f} | {each.source:.2f} |"


def _versions() -> str:
    postfix = subprocess.run(["dpkg-query", "-Wf", "${Version}", "postfix"], capture_output=True, text=True).stdout
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, Postfix {postfix or 'unknown'}"


_BAR, _LEFT, _WIDTH = 26, 300, 420


def _chart(results: Results) -> str:
    """Return the rates as bars, as a whole SVG file."""
    most = max(line.median.rate for line in results.lines)
    bars = []
    for number, line in enumerate(results.lines):
        top, width = 10 + number * _BAR, max(1.0, line.median.rate / most * _WIDTH)
        colour = "#14545e" if line.run.sender == "mkwmail" else "#a9b8bb"
        bars.append(
            f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(line.run.name)}</text>'
            f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="18" fill="{colour}"/>'
            f'<text x="{_LEFT + width + 6:.0f}" y="{top + 14}">{line.median.rate:,.0f}</text>'
        )
    height = 20 + len(results.lines) * _BAR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 80}" height="{height}" role="img"'
        ' font-family="sans-serif" font-size="13"><title>Messages a second, by sender</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(bars)}</svg>\n'
    )


def keep(made: str, begin: str) -> None:
    """Write a part of the page, in the place that begins so."""
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    assert found, f"no place for it in {PAGE}"
    _old, end, after = rest.partition(_END)
    PAGE.write_text(f"{before}{begin}{made}{end}{after}", encoding="utf-8")
