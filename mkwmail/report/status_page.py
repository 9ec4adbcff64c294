"""The status as a page for the board, to read on a phone and to print on A4.

The page loads nothing from elsewhere. It has figures and names of organisations, and no names or addresses of persons.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from html import escape
from pathlib import Path
from string import Template

from mkwmail.clock import day_and_time, day_in_figures
from mkwmail.config.event import Event
from mkwmail.config.kinds import mailing_words
from mkwmail.i18n import _, ngettext, spoken
from mkwmail.ledger.models import COMING, State
from mkwmail.report.answers import answer_words, catering_line, counted
from mkwmail.report.status import Course, EventStatus, state_words

_PAGE, _STYLE = (Path(__file__).with_name(name) for name in ("status.html", "status.css"))

# The chart's own units. It is stretched to the width of the page, so it holds no text.
_WIDE, _HIGH = 600, 180
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

# States in which a mail did not reach the person, or is not known to have.
_NOT_REACHED = (State.REFUSED, State.EXPIRED, State.IN_DOUBT, State.DEFERRED)


def status_page(status: EventStatus, association: str, now: datetime) -> str:
    """Return the page as HTML.

    :param association: its name, or an empty text if the settings cannot be read.
    """
    event = status.event
    made, cancelled = _("As of %(moment)s.") % {"moment": day_and_time(now)}, _("The event is cancelled.")
    header = (
        *([f'<p class="association">{escape(association)}</p>'] if association else []),
        f"<h1>{escape(event.title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in _about(event)),
        f'<p class="made">{escape(made)}</p>',
        *([f'<p class="cancelled">{escape(cancelled)}</p>'] if status.cancelled else []),
    )
    main = (
        *(*_figures(status), *_catering(status, now), *_parts(status), *_chart(status.course)),
        *(*_organisations(status), *_mailings(status)),
    )
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(
        language=spoken(),
        title=escape(f"{event.title}, {day_and_time(event.starts)}"),
        style=_STYLE.read_text(encoding="utf-8"),
        header="\n".join(header),
        main="\n".join(main),
    )


def _about(event: Event) -> Iterator[str]:
    """Yield the theme, and when and where the event is, as far as this is known."""
    if event.theme:
        yield event.theme
    place = event.location
    where = [name for name in (place.name, place.city) if name] if place else []
    yield ", ".join((day_and_time(event.starts), *where))


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _figures(status: EventStatus) -> Iterator[str]:
    """Yield the four figures, and below them the totals in words."""
    attendance = status.attendance
    counts = Counter(attendance.answers)
    if counts["present"]:  # the event is over: answers to the invitation do not matter any more
        come, not_come = counts["present"], counts["absent"] + counts["declined"]
        said, not_said = _("were there"), _("were not there")
    else:
        come, not_come = sum(counts[answer] for answer in COMING), counts["declined"] + counts["absent"]
        said, not_said = ngettext("comes", "come", come), ngettext("does not come", "do not come", not_come)
    places = attendance.places
    there = _("of %(n)d") % {"n": places}
    represented = ngettext("organisation represented", "organisations represented", places)
    figures = (
        (str(come), "", said),
        (str(not_come), "", not_said),
        (str(attendance.silent), "", _("no answer")),
        (str(places - len(attendance.absent_places)), there, represented),
    )
    yield '<ul class="figures">'
    for figure, of, words in figures:
        whole = f" <small>{escape(of)}</small>" if of else ""
        yield f"<li><strong>{figure}{whole}</strong> <span>{escape(words)}</span></li>"
    yield "</ul>"
    if attendance.answers:
        line, more = counted(attendance)
        yield f"<p>{escape('; '.join((line, *more)))}.</p>"


def _catering(status: EventStatus, now: datetime) -> Iterator[str]:
    """Yield the numbers for the caterer without dietary wishes, and after the deadline what has changed since."""
    deadline = status.event.catering.deadline if status.event.catering else None
    lines: Sequence[str] = status.catering
    if lines and deadline is not None and now <= deadline:
        lines = (catering_line(replace(status.attendance.numbers, dietary={}), deadline),)
    for line in lines:
        yield f"<p>{escape(line)}</p>"


def _parts(status: EventStatus) -> Iterator[str]:
    """Yield the optional parts with the numbers of people.

    Dietary wishes and texts that people typed are not for the board.
    """
    rows = [
        (question.question, ", ".join(f"{value}: {count}" for value, count in question.counts.items()))
        for question in status.attendance.questions
        if question.counts and not question.dietary
    ]
    if rows:
        yield _heading(_("Optional parts"))
        yield from _html_table((_("Part"), _("Answers")), rows)


def _html_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "<table>"
    columns = "".join(f'<th scope="col">{escape(each[:1].upper() + each[1:])}</th>' for each in headings)
    yield f"<thead><tr>{columns}</tr></thead>"
    yield "<tbody>"
    for row in rows:
        name, *rest = row
        cells = "".join(f"<td>{escape(each)}</td>" for each in rest)
        yield f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    yield "</tbody></table>"


def _organisations(status: EventStatus) -> Iterator[str]:
    attendance = status.attendance
    # Before the first answer, a list of all organisations says nothing.
    if attendance.absent_places and attendance.answers:
        words = {"n": len(attendance.absent_places), "all": attendance.places}
        yield _heading(_("Not represented: %(n)d of %(all)d organisations") % words)
        listed = "".join(f"<li>{escape(name)}</li>" for name in attendance.absent_places)
        yield f'<ul class="names">{listed}</ul>'


def _mailings(status: EventStatus) -> Iterator[str]:
    """Yield the table of mailings that were sent or are planned, in order of time."""
    counts = Counter((line.mailing, line.state) for line in status.lines)
    began: dict[str, datetime] = {}
    for line in status.lines:
        if line.state == State.SENT:
            began[line.mailing] = min(line.moment, began.get(line.mailing, line.moment))
    planned = {each.mailing: each for each in status.mailings}
    moments = {name: due.send for name, due in planned.items() if due.send} | began
    names = [name for name in dict.fromkeys((*planned, *began)) if name in moments]
    lost = {name: sum(counts[name, state] for state in _NOT_REACHED) for name in names}
    rows = []
    for name in sorted(names, key=lambda each: moments[each]):
        due = planned.get(name)
        numbers = (counts[name, State.SENT], *([lost[name]] if any(lost.values()) else []), due.left if due else 0)
        rows.append((mailing_words(name), day_in_figures(moments[name]), *(str(each or "") for each in numbers)))
    if rows:
        not_reached = [_("not delivered")] if any(lost.values()) else []
        yield _heading(_("Mailings"))
        headings = (_("Mailing"), _("Day"), state_words(State.SENT), *not_reached, _("to go"))
        yield from _html_table(headings, rows)


def _chart(course: Course) -> Iterator[str]:
    """Yield a chart: areas for the answers, a line for each mailing.

    The text is outside the drawing, so that it is as large on a phone as on paper.
    """
    if not course.days:
        return
    yield _heading(_("Answers so far, added up by day"))
    yield '<figure class="chart">'
    yield f'<div class="scale"><span>{course.most}</span><span>0</span></div>'
    yield '<div class="drawing">'
    label = _("From %(first)s to %(last)s the answers rose to %(come)s attending and %(not_come)s declined.") % {
        "first": day_in_figures(course.days[0].day),
        "last": day_in_figures(course.days[-1].day),
        "come": course.days[-1].attending,
        "not_come": course.days[-1].declined,
    }
    yield f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none">'
    yield f'<path class="declined" d="{_area(course, [each.attending + each.declined for each in course.days])}"/>'
    yield f'<path class="attending" d="{_area(course, [each.attending for each in course.days])}"/>'
    places = [
        _x(course, next(n for n, each in enumerate(course.days) if each.day >= mark.day)) for mark in course.marks
    ]
    for x in places:
        yield f'<path class="mark" d="M{x:.1f} 0V{_HIGH}"/>'
    yield "</svg>"
    for letter, x in zip(_LETTERS, _apart(places), strict=False):
        yield f'<span class="letter" style="left:{100 * x / _WIDE:.1f}%" aria-hidden="true">{letter}</span>'
    yield "</div>"
    yield f'<div class="days">{_days(course.days[0].day, course.days[-1].day)}</div>'
    yield "<figcaption>"
    shown = (("attending", answer_words("attending")), ("declined", answer_words("declined")))
    yield '<p class="legend">' + " ".join(
        f'<span><span class="{kind}" aria-hidden="true">■</span> {escape(words)}</span>' for kind, words in shown
    )
    yield "</p>"
    yield '<ul class="marks">'
    for letter, mark in zip(_LETTERS, course.marks, strict=False):
        words = {"mailing": mailing_words(mark.mailing), "day": day_in_figures(mark.day), "n": mark.count}
        text = _("%(mailing)s, %(day)s (%(n)d)") % words
        yield f'<li><span class="key">{letter}</span> {escape(text)}</li>'
    yield "</ul></figcaption></figure>"


def _days(first: date, last: date) -> str:
    days = (first,) if first == last else (first, last)
    return "".join(f"<span>{day_in_figures(each)}</span>" for each in days)


def _apart(places: Sequence[float]) -> Iterator[float]:
    """Yield places for letters, so far apart that none covers another."""
    before = float("-inf")
    for place in places:
        before = max(place, before + _WIDE / 26)
        yield min(before, _WIDE)


def _x(course: Course, number: int) -> float:
    return _WIDE * number / len(course.days)


def _area(course: Course, counts: Sequence[int]) -> str:
    """Return the path of an area with a step for each day.

    All steps have the same width; the height shows the day's count.
    """
    steps = [f"M0 {_HIGH}"]
    for number, count in enumerate(counts):
        y = _HIGH - _HIGH * count / course.most
        steps.append(f"L{_x(course, number):.1f} {y:.1f}H{_x(course, number + 1):.1f}")
    return f"{' '.join(steps)} V{_HIGH}Z"
