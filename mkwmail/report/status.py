"""The status of an event: its mailings, people and answers by day.

The table, the chart, the JSON document and the CSV file are made from the same values.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from mkwmail.clock import day_and_time, day_in_figures, moment_in_cell, moment_in_figures
from mkwmail.config.event import Event
from mkwmail.config.kinds import shown_name
from mkwmail.i18n import _, mails
from mkwmail.ledger.models import TOLD, Answer, Delivery, State
from mkwmail.ledger.runs import Deed
from mkwmail.planning.next_steps import Due
from mkwmail.planning.plan import Outdated, WithEarlierText
from mkwmail.report.answers import Attendance, attendance_value, show_attendance, show_unreached
from mkwmail.report.recipients import PersonWithReason, entry_values, show_by_reason, show_title, spreadsheet
from mkwmail.report.terminal import Style, Terminal

_COMES, _DECLINES = "attending", "declined"
# Presence and absence are not answers to an invitation.
_COUNTED = (_COMES, _DECLINES, "tentative")


@dataclass(frozen=True, slots=True)
class Day:
    """The numbers of people who had accepted and declined at a day's end.

    Each person counts by their last answer.
    """

    day: date
    attending: int
    declined: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The first day of a mailing, and its number of recipients in all."""

    day: date
    mailing: str
    count: int


@dataclass(frozen=True, slots=True)
class Course:
    """The answers on every day from the first mailing or answer to the last.

    It is empty if there are no answers.
    """

    days: tuple[Day, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def most(self) -> int:
        """The largest number of answers of both kinds on one day."""
        return max((each.attending + each.declined for each in self.days), default=0)


def course_of(answers: Sequence[Answer], deliveries: Iterable[Delivery]) -> Course:
    """Return the course of an event's answers.

    :param answers: the answers, in the order in which they were recorded.
    """
    given = [(each.given.date(), each.person, each.answer) for each in answers if each.answer in _COUNTED]
    if not given:
        return Course()
    marks = _marks(deliveries)
    first = min(day for day, *_rest in (*given, *((mark.day, "", "") for mark in marks)))
    last = max(day for day, *_rest in (*given, *((mark.day, "", "") for mark in marks)))
    # The last answer that was recorded on a day holds; the sort keeps that order.
    given.sort(key=lambda each: each[0])
    held: dict[str, str] = {}
    days = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        while given and given[0][0] <= day:
            _day, person, answer = given.pop(0)
            held[person] = answer
        counts = Counter(held.values())
        days.append(Day(day, counts[_COMES], counts[_DECLINES]))
    return Course(tuple(days), marks)


def _marks(deliveries: Iterable[Delivery]) -> tuple[Mark, ...]:
    days: dict[str, list[date]] = {}
    for each in deliveries:
        if each.state in TOLD:
            days.setdefault(each.round.mailing, []).append(each.since.date())
    marks = [Mark(min(found), mailing, len(found)) for mailing, found in days.items()]
    return tuple(sorted(marks, key=lambda mark: (mark.day, mark.mailing)))


_WIDTH = 60
_HEIGHT = 6


def show_chart(terminal: Terminal, course: Course) -> None:
    """Print the chart of answers by day, if there are any.

    A letter marks each mailing on its first day.
    """
    if not course.days:
        return
    terminal.gap()
    comes, declines = ("█", "░") if terminal.draws else ("#", ".")
    legend = {"comes": comes, "declines": declines}
    terminal.say(_("Answers up to each day: %(comes)s attending, %(declines)s declined") % legend)
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
        words = {
            "letter": letter,
            "mailing": shown_name(mark.mailing),
            "day": day_in_figures(mark.day),
            "n": mark.count,
        }
        terminal.say("      " + _("%(letter)s = %(mailing)s, %(day)s (%(n)d)") % words, "dim")


def _letters() -> Iterator[str]:
    yield from "abcdefghijklmnopqrstuvwxyz"


def _columns(days: Sequence[Day]) -> Sequence[Day]:
    """Return a day for each column.

    If there are more days than columns, it is the last day of each period of equal length.
    """
    stretch = -(-len(days) // _WIDTH)
    # Counted from the end, so that the last column shows the present numbers.
    return days[(len(days) - 1) % stretch :: stretch]


def _rows(columns: Sequence[Day], most: int, comes: str, declines: str) -> Iterator[str]:
    height = min(_HEIGHT, most)
    for row in range(height, 0, -1):
        # A number reaches a row if it fills at least half of it. The lowest row shows even a single answer.
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
        # Two mailings on one day are next to each other.
        while place + 1 < len(line) and line[place] != "-":
            place += 1
        line[place] = letter
    return f"   0  {''.join(line)}"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One person in one round.

    ``state`` is the text of a :class:`State`, or ``skipped``.
    """

    mailing: str
    edition: int
    member: str
    organisation: str
    address: str
    state: str
    moment: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class EventStatus:
    """The status of an event.

    ``outdated``: people who were given details that have changed. ``not_listed``: faulty rows of the list, rows
    at another member's address, and people who have left it. ``catering``: the numbers for the caterer, in a sentence.
    ``earlier_text``: those who have an earlier text of the mailing that a correction would correct. ``deeds``: who did
    what, the newest last.
    """

    event: Event
    lines: tuple[StatusRow, ...]
    mailings: tuple[Due, ...]
    next_steps: tuple[str, ...]
    outdated: tuple[Outdated, ...] = ()
    attendance: Attendance = field(default_factory=Attendance)
    not_listed: tuple[PersonWithReason, ...] = ()
    course: Course = field(default_factory=Course)
    cancelled: bool = False
    catering: tuple[str, ...] = ()
    earlier_text: WithEarlierText | None = None
    deeds: tuple[Deed, ...] = ()

    def open_mailings(self, now: datetime) -> Iterator[Due]:
        """Yield the mailings with a date that are still to be sent, by date.

        At least one person gets them, now or at their moment.
        """
        if self.cancelled:
            return
        for each in self.mailings:
            ahead = each.send is not None and (each.send > now or each.left > 0)
            if ahead and not each.over:
                yield each


SKIPPED = "skipped"
_COLUMNS = (State.SENT, State.DEFERRED, State.REFUSED, State.IN_DOUBT, State.EXPIRED)


# The colour of a state, in every table and list.
STATE_STYLES: Mapping[State, Style] = {
    State.SENT: "good",
    State.DEFERRED: "waiting",
    State.REFUSED: "bad",
    State.IN_DOUBT: "doubt",
    State.SENDING: "doubt",
    State.EXPIRED: "bad",
}

# States in which the secretary must do something or wait.
_UNSERVED = (State.IN_DOUBT, State.REFUSED, State.DEFERRED, State.SENDING)


def state_words(state: str) -> str:
    """Return a state in the user's language."""
    words = {
        State.PLANNED: _("planned"),
        State.SENDING: _("sending"),
        State.SENT: _("sent"),
        State.REFUSED: _("refused"),
        State.DEFERRED: _("deferred"),
        State.EXPIRED: _("expired"),
        State.IN_DOUBT: _("in doubt"),
        SKIPPED: _("skipped"),
    }
    return words.get(state, state)


def reply_words(delivery: Delivery) -> str:
    """Return the server's reply, which explains the state of a message.

    The reply's code is added if the text does not contain it.
    """
    code = str(delivery.code or "")
    return delivery.reason if code in delivery.reason else f"{code} {delivery.reason}".strip()


def show_status(terminal: Terminal, status: EventStatus, skipped: bool) -> None:
    """Print the status: a table of mailings and the totals of answers, then people and steps.

    People who did not get a mail are printed by name.

    :param skipped: print the people who were skipped or are not in the list, too.
    """
    show_title(terminal, status.event, status.event.id)
    for line in status.catering:
        terminal.say(line, "bold")
    terminal.say()
    headings, rows = table_of(status)
    styles = {state_words(state): style for state, style in STATE_STYLES.items()}
    terminal.table(headings, rows, numbers=len(headings) - 2, styles=styles)
    # The figures before the names, so that they are on the first screen.
    show_attendance(terminal, status.attendance, skipped)
    for state in _UNSERVED:
        people = [each for each in _entries(status.lines, state) if each.address]
        heading = state_words(state).capitalize()
        show_by_reason(terminal, heading, people, everybody=True, style=STATE_STYLES[state])
    show_by_reason(
        terminal,
        _("Given details that have changed"),
        outdated_entries(status.outdated),
        everybody=skipped,
        style="warning",
    )
    left_out = _entries(status.lines, SKIPPED)
    if left_out and not skipped:
        counts = Counter(line.mailing for line in status.lines if line.state == SKIPPED)
        shown = ", ".join(f"{shown_name(name)} {count}" for name, count in counts.items())
        terminal.gap()
        terminal.say(_("Skipped: %(counts)s (who and why: add --skipped)") % {"counts": shown})
    if skipped:
        heading, late = state_words(State.EXPIRED).capitalize(), _entries(status.lines, State.EXPIRED)
        show_by_reason(terminal, heading, late, everybody=True, style=STATE_STYLES[State.EXPIRED])
        show_by_reason(terminal, _("Skipped"), left_out, everybody=True)
        show_by_reason(terminal, _("Without a mail of their own"), status.not_listed, everybody=True)
    show_unreached(terminal, status.attendance, skipped)
    if len({each.user for each in status.deeds}) > 1:
        terminal.gap()
        terminal.say(_("Who did what"), "bold")
        for deed in status.deeds:
            terminal.say(f"  {deed_words(deed)}")
    terminal.gap()
    for step in status.next_steps:
        terminal.say(f"  {step}")
    # Last, because it is the longest and the least urgent.
    show_chart(terminal, status.course)


def deed_words(deed: Deed) -> str:
    """Return what a user did, and when they last did it."""
    sentences = {
        "approved": _("%(user)s approved %(mailing)s, last on %(moment)s"),
        "sent": _("%(user)s sent %(mailing)s (%(mails)s), last on %(moment)s"),
        "answered": _("%(user)s recorded answers (%(n)d), last on %(moment)s"),
        "resolved": _("%(user)s decided about mail in doubt or refused of %(mailing)s (%(n)d), last on %(moment)s"),
        "skipped": _("%(user)s decided whom to skip (%(n)d), last on %(moment)s"),
    }
    words = {"user": deed.user, "mailing": deed.mailing and shown_name(deed.mailing), "moment": day_and_time(deed.at)}
    return sentences[deed.what] % {**words, "mails": mails(deed.times), "n": deed.times}


def table_of(status: EventStatus) -> tuple[list[str], list[list[str]]]:
    """Return the table of an event's mailings: headings and rows."""
    counts = Counter((line.mailing, line.state) for line in status.lines)
    names = [each.mailing for each in status.mailings]
    names += sorted({line.mailing for line in status.lines} - set(names))
    planned = {each.mailing: each for each in status.mailings}
    # A column for a state without people would only make the table wider.
    columns = [state for state in _COLUMNS if state is State.SENT or any(counts[name, state] for name in names)]
    headings = [_("Mailing"), _("Planned"), *(state_words(state) for state in columns), _("to go")]
    rows = []
    for name in names:
        due = planned.get(name)
        when = moment_in_figures(due.send) if due and due.send else ""
        row = [str(counts[name, state] or "") for state in columns]
        rows.append([shown_name(name), when, *row, str(due.left) if due and due.left else ""])
    return headings, rows


def _entries(lines: Sequence[StatusRow], state: str) -> tuple[PersonWithReason, ...]:
    return tuple(
        PersonWithReason(line.member, line.address, ": ".join(filter(None, (shown_name(line.mailing), line.reason))))
        for line in lines
        if line.state == state
    )


def outdated_entries(people: Sequence[Outdated]) -> tuple[PersonWithReason, ...]:
    """Return the people who were given details that have changed.

    The reason names these details, and why the people have not been told yet.
    """
    return tuple(
        PersonWithReason(one.name, one.address, f"{one.what} ({one.why_not})" if one.why_not else one.what)
        for one in people
    )


def status_value(status: EventStatus) -> dict[str, Any]:
    """Return the status for a JSON document."""
    rounds = sorted({(line.mailing, line.edition) for line in status.lines})
    return {
        "event": status.event.id,
        "title": status.event.title,
        "starts": status.event.starts.isoformat(),
        "mailings": [
            {
                "mailing": each.mailing,
                "send": each.send.isoformat() if each.send else None,
                "to_go": each.left,
                "goes_by_itself": each.mode.value.replace(" ", "_"),
            }
            for each in status.mailings
        ],
        "attendance": attendance_value(status.attendance),
        "catering": list(status.catering),
        "not_listed": entry_values(status.not_listed),
        "rounds": [_round_value(status.lines, mailing, edition) for mailing, edition in rounds],
        "outdated": entry_values(outdated_entries(status.outdated)),
        "earlier_text": earlier_text_value(status.earlier_text),
        "done_by": [{**each._asdict(), "at": each.at.isoformat()} for each in status.deeds],
    }


def earlier_text_value(found: WithEarlierText | None) -> dict[str, Any] | None:
    """Return those with an earlier text for a JSON document."""
    if found is None:
        return None
    return {"mailing": found.mailing, "people": found.people, "changes": [each._asdict() for each in found.changes]}


def _round_value(lines: Sequence[StatusRow], mailing: str, edition: int) -> dict[str, Any]:
    here = [line for line in lines if (line.mailing, line.edition) == (mailing, edition)]
    by_state = {
        state.replace(" ", "_"): entry_values(
            PersonWithReason(line.member, line.address, line.reason) for line in here if line.state == state
        )
        for state in (*State, SKIPPED)
    }
    return {"mailing": mailing, "edition": edition, **by_state}


def status_csv(statuses: Sequence[EventStatus]) -> bytes:
    """Return the status as CSV for Excel: a row per person and round."""
    headings = (
        *(_("event"), _("mailing"), _("member"), _("organisation")),
        *(_("address"), _("state"), _("moment"), _("reason")),
    )
    rows = [
        [
            *(status.event.id, line.mailing, line.member, line.organisation),
            *(line.address, state_words(line.state), moment_in_cell(line.moment), line.reason),
        ]
        for status in statuses
        for line in status.lines
    ]
    return spreadsheet(headings, rows)


def show_overview(terminal: Terminal, statuses: Sequence[EventStatus], now: datetime) -> None:
    """Print a line for each event, with its date and its next mailing."""
    rows = []
    for status in statuses:
        sent = sum(line.state == State.SENT for line in status.lines)
        next_up = next(status.open_mailings(now), None)
        next_words = (
            f"{shown_name(next_up.mailing)}, {day_in_figures(next_up.send)}" if next_up and next_up.send else ""
        )
        rows.append([status.event.id, moment_in_figures(status.event.starts), next_words, str(sent)])
    terminal.table([_("Event"), _("Starts"), _("Next mailing"), _("mails sent")], rows, numbers=1)
