"""Who comes, in counts: for the caterer, for the board, and for the telephone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mkwmail.language import _, ngettext
from mkwmail.moments import day_and_time
from mkwmail.replies.totals import Question
from mkwmail.report.answers import counts_in_words, question_values, show_questions
from mkwmail.report.people import Entry, entry_values, show_by_reason
from mkwmail.report.terminal import Terminal
from mkwmail.report.words import some


@dataclass(frozen=True, slots=True)
class Attendance:
    """The answers of an event. ``answers`` are those of members and guests, ``guests`` counts the latter who come.

    ``silent``: members who were invited and have not answered. ``absent_places``: organisations nobody comes from.
    ``to_phone``: whom no mail reaches. ``unsettled``: rows of exports that are doubtful. ``last``: when an answer
    was given last.
    """

    answers: tuple[str, ...] = ()
    guests: int = 0
    silent: int = 0
    questions: tuple[Question, ...] = ()
    places: int = 0
    absent_places: tuple[str, ...] = ()
    to_phone: tuple[Entry, ...] = ()
    unsettled: int = 0
    last: datetime | None = None


def counted(attendance: Attendance) -> tuple[str, Sequence[str]]:
    """Who comes, in a phrase; and in sentences who is silent, and when the last answer was given."""
    line = counts_in_words(attendance.answers)
    if attendance.guests:
        guests = ngettext("%(n)d guest among them", "%(n)d guests among them", attendance.guests)
        line += f" ({guests % {'n': attendance.guests}})"
    more = []
    if attendance.silent:
        silent = ngettext(
            "%(n)d was invited and has not answered", "%(n)d were invited and have not answered", attendance.silent
        )
        more.append(silent % {"n": attendance.silent})
    if attendance.last:
        more.append(_("the last answer is of %(moment)s") % {"moment": day_and_time(attendance.last)})
    return line, more


def show_attendance(terminal: Terminal, attendance: Attendance, everybody: bool = False) -> None:
    """Print who comes, what they chose, the organisations that stay away, and whom to telephone."""
    if attendance.answers:
        line, more = counted(attendance)
        terminal.gap()
        terminal.say(_("Answers: %(counts)s") % {"counts": line}, "bold")
        for sentence in more:
            terminal.say(f"  {sentence}")
        show_questions(terminal, attendance.questions)
        _show_places(terminal, attendance, everybody)
    show_by_reason(terminal, _("To telephone"), attendance.to_phone, everybody=everybody, style="yellow")


def _show_places(terminal: Terminal, attendance: Attendance, everybody: bool) -> None:
    absent: Sequence[str] = attendance.absent_places
    if not absent:
        return
    words = {
        "n": len(absent),
        "all": attendance.places,
        "names": ", ".join(absent) if everybody else some(absent, shown=8),
    }
    terminal.say(_("Nobody comes from %(n)d of %(all)d organisations: %(names)s") % words)


def attendance_value(attendance: Attendance) -> dict[str, Any]:
    """The attendance of a JSON document."""
    return {
        "answers": {answer: attendance.answers.count(answer) for answer in sorted(set(attendance.answers))},
        "guests": attendance.guests,
        "silent": attendance.silent,
        "last": attendance.last.isoformat() if attendance.last else None,
        "questions": question_values(attendance.questions),
        "organisations": attendance.places,
        "nobody_from": list(attendance.absent_places),
        "to_phone": entry_values(attendance.to_phone),
        "to_settle": attendance.unsettled,
    }
