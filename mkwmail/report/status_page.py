"""The status as a page for the board, to print on A4.

The page loads nothing from elsewhere and has no mail addresses.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from html import escape
from pathlib import Path

from mkwmail.clock import day_and_time, day_in_figures
from mkwmail.i18n import _, spoken
from mkwmail.report.answers import answer_words, counted, question_line
from mkwmail.report.recipients import PersonWithReason, by_reason
from mkwmail.report.status import Course, EventStatus, people_of, table_of
from mkwmail.report.terminal import mailing_words

_STYLE = Path(__file__).with_name("status.css")
_ADDRESS = re.compile(r"<?[^\s<>@\"(),;]+@[^\s<>@\"(),;]+>?")

# The chart's own units; it is as wide as the page.
_WIDE, _HIGH, _BELOW, _LEFT = 640, 180, 34, 30


def status_page(status: EventStatus, now: datetime) -> str:
    """Return the page as HTML."""
    event = status.event
    style = _STYLE.read_text(encoding="utf-8")
    title = f"{event.title}, {day_and_time(event.starts)}"
    parts = [*_mailings(status), *_answers(status), *_people(status)]
    made = _("As it was on %(moment)s.") % {"moment": day_and_time(now)}
    return "\n".join(
        (
            "<!DOCTYPE html>",
            f'<html lang="{spoken()}">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="generator" content="mkwmail">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="robots" content="noindex">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            f"<h1>{escape(event.title)}</h1>",
            f"<p>{escape(day_and_time(event.starts))}</p>",
            *parts,
            f"<footer>{escape(made)}</footer>",
            "</body>",
            "</html>",
            "",
        )
    )


def _mailings(status: EventStatus) -> Iterator[str]:
    headings, rows = table_of(status)
    yield _heading(_("Mailings"))
    yield from _html_table(headings, [[mailing_words(name), *rest] for name, *rest in rows])


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _html_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "<table>"
    yield "<thead><tr>" + "".join(f'<th scope="col">{escape(each)}</th>' for each in headings) + "</tr></thead>"
    yield "<tbody>"
    for row in rows:
        name, *rest = row
        cells = "".join(f"<td>{escape(each)}</td>" for each in rest)
        yield f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    yield "</tbody></table>"


def _answers(status: EventStatus) -> Iterator[str]:
    attendance = status.attendance
    if not attendance.answers:
        return
    yield _heading(_("Answers"))
    line, more = counted(attendance)
    yield f"<p>{escape('; '.join((line, *more)))}.</p>"
    yield from _chart(status.course)
    if attendance.questions:
        yield "<ul>" + "".join(f"<li>{escape(question_line(each))}</li>" for each in attendance.questions) + "</ul>"
    if attendance.absent_places:
        words = {"n": len(attendance.absent_places), "all": attendance.places}
        yield _heading(_("Nobody comes from %(n)d of %(all)d organisations") % words)
        yield f"<p>{escape(', '.join(attendance.absent_places))}</p>"


def _people(status: EventStatus) -> Iterator[str]:
    yield from _named(_("To telephone"), status.attendance.to_phone)
    yield from _named(_("By post or telephone"), [replace(each, reason="") for each in status.attendance.by_post])
    for heading, people in people_of(status):
        yield from _named(heading, people)
    yield from _named(_("Not in the list, or not readable there"), status.not_listed)


def _named(heading: str, people: Sequence[PersonWithReason]) -> Iterator[str]:
    """Yield a heading and the names by reason, without any address."""
    if not people:
        return
    yield _heading(f"{heading}: {len(people)}")
    yield "<ul>"
    # Reasons that differ only in an address are shown as one.
    shown = [replace(each, reason=_ADDRESS.sub("…", _for_the_board(each.reason))) for each in people]
    for reason, those in by_reason(shown).items():
        # A person of whom only the address is known is not named here.
        names = [each.member if each.member and "@" not in each.member else _("(no name)") for each in those]
        line = f"{names[0]}: {reason}" if len(names) == 1 else f"{reason}: {', '.join(names)}"
        yield f"<li>{escape(line)}</li>"
    yield "</ul>"


def _for_the_board(reason: str) -> str:
    """Return a reason; if it begins with a mailing, that mailing is in words."""
    mailing, colon, why = reason.partition(": ")
    return f"{mailing_words(mailing)}{colon}{why}"


def _chart(course: Course) -> Iterator[str]:
    """Yield an SVG chart: areas for the answers, a line for each mailing."""
    if not course.days:
        return
    label = _("Answers by day, and the mailings that went")
    yield f'<svg role="img" viewBox="0 0 {_WIDE} {_HIGH + _BELOW + 14 * len(course.marks)}">'
    yield f"<title>{escape(label)}</title>"
    yield f'<path class="declined" d="{_area(course, [each.attending + each.declined for each in course.days])}"/>'
    yield f'<path class="attending" d="{_area(course, [each.attending for each in course.days])}"/>'
    yield f'<path class="axis" d="M{_LEFT} 10V{_HIGH}H{_WIDE}"/>'
    yield f'<text x="{_LEFT - 6}" y="16" text-anchor="end">{course.most}</text>'
    yield f'<text x="{_LEFT - 6}" y="{_HIGH}" text-anchor="end">0</text>'
    for number, mark in enumerate(course.marks):
        x = _x(course, next(n for n, each in enumerate(course.days) if each.day >= mark.day))
        y = _HIGH + 16 + 14 * number
        anchor = "end" if x > _WIDE * 0.7 else "start"
        words = {"mailing": mailing_words(mark.mailing), "day": day_in_figures(mark.day), "n": mark.count}
        text = _("%(mailing)s, %(day)s (%(n)d)") % words
        yield f'<path class="mark" d="M{x:.1f} 10V{y - 10}"/>'
        yield f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
    yield "</svg>"
    shown = (("attending", answer_words("attending")), ("declined", answer_words("declined")))
    legend = " ".join(f'<span class="{kind}">■</span> {escape(words)}' for kind, words in shown)
    yield f'<p class="legend">{legend}</p>'


def _x(course: Course, number: int) -> float:
    return _LEFT + (_WIDE - _LEFT) * number / len(course.days)


def _area(course: Course, counts: Sequence[int]) -> str:
    """Return the path of an area with a step for each day.

    All steps have the same width; the height shows the day's count.
    """
    steps = [f"M{_LEFT} {_HIGH}"]
    for number, count in enumerate(counts):
        y = _HIGH - (_HIGH - 10) * count / course.most
        steps.append(f"L{_x(course, number):.1f} {y:.1f}H{_x(course, number + 1):.1f}")
    return f"{' '.join(steps)} V{_HIGH}Z"
