"""The course of answers as a small chart of characters."""

from collections.abc import Iterator, Sequence

from mkwmail.language import _
from mkwmail.moments import day_in_figures
from mkwmail.report.course import Course, Day
from mkwmail.report.terminal import Terminal

_WIDTH = 60
_HEIGHT = 6


def show_chart(terminal: Terminal, course: Course) -> None:
    """Print the chart, each mailing marked by a letter on the day it began to go; nothing where nobody answered."""
    if not course.days:
        return
    terminal.gap()
    comes, declines = ("█", "░") if terminal.draws else ("#", ".")
    terminal.say(_("Answers by day: %(comes)s attending, %(declines)s declined") % _legend(comes, declines))
    columns = _columns(course.days)
    for line in _rows(columns, course.most, comes, declines):
        terminal.say(line)
    terminal.say(_axis(course, columns))
    first, last = (day_in_figures(each.day) for each in (columns[0], columns[-1]))
    if len(columns) > len(first) + len(last):
        terminal.say(f"      {first}{last:>{len(columns) - len(first)}}")
    else:
        terminal.say(f"      {first} - {last}" if first != last else f"      {first}")
    for letter, mark in zip(_letters(), course.marks, strict=False):
        words = {"letter": letter, "mailing": mark.mailing, "day": day_in_figures(mark.day), "n": mark.count}
        terminal.say("      " + _("%(letter)s = %(mailing)s, %(day)s (%(n)d)") % words, "dim")


def _legend(comes: str, declines: str) -> dict[str, str]:
    return {"comes": comes, "declines": declines}


def _letters() -> Iterator[str]:
    yield from "abcdefghijklmnopqrstuvwxyz"


def _columns(days: Sequence[Day]) -> Sequence[Day]:
    """A day for each column, or the last day of each stretch where there are more days than columns."""
    stretch = -(-len(days) // _WIDTH)
    # Counted from the end, so that the last column is how it stands now.
    return days[(len(days) - 1) % stretch :: stretch]


def _rows(columns: Sequence[Day], most: int, comes: str, declines: str) -> Iterator[str]:
    height = min(_HEIGHT, most)
    for row in range(height, 0, -1):
        # A row is reached by what fills more than half of it; whoever answered is seen.
        level = (row - 0.5) * most / height
        cells = (_cell(each, level, row, comes, declines) for each in columns)
        label = str(most) if row == height else ""
        yield f"{label:>4}  {''.join(cells)}".rstrip()


def _cell(day: Day, level: float, row: int, comes: str, declines: str) -> str:
    if day.attending >= level or (row == 1 and day.attending):
        return comes
    return declines if day.attending + day.declined >= level or (row == 1 and day.declined) else " "


def _axis(course: Course, columns: Sequence[Day]) -> str:
    line = ["-"] * len(columns)
    for letter, mark in zip(_letters(), course.marks, strict=False):
        place = next(number for number, each in enumerate(columns) if each.day >= mark.day)
        # Two on one day stand beside each other.
        while place + 1 < len(line) and line[place] != "-":
            place += 1
        line[place] = letter
    return f"   0  {''.join(line)}"
