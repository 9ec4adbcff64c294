"""Answers and attendance, and what an import of answers changed.

The table, the CSV file and the JSON document are made from the same values.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mkwmail.clock import day_and_time, day_in_figures, day_in_words, moment_in_cell
from mkwmail.config.event import Event
from mkwmail.dutch.names import sorting_name
from mkwmail.i18n import _, ngettext, some
from mkwmail.ledger.models import KeptSignup, Stray
from mkwmail.members.names import read_name
from mkwmail.report.recipients import PersonWithReason, entry_values, show_by_reason, show_title, spreadsheet
from mkwmail.report.terminal import Terminal
from mkwmail.responses.answers import Question
from mkwmail.responses.signup_changes import Changes
from mkwmail.responses.signup_matching import By, Match
from mkwmail.responses.signups import Export


def answer_words(answer: str) -> str:
    """Return an answer in the user's language."""
    words = {
        "attending": _("attending"),
        "declined": _("declined"),
        "tentative": _("tentative"),
        "present": _("present"),
        "absent": _("absent"),
    }
    return words.get(answer, answer)


def _by_words(by: By) -> str:
    words = {
        By.CODE: _("by the code of the link"),
        By.ADDRESS: _("by the address"),
        By.NAME: _("by name and organisation"),
        By.NUMBER: _("by the number"),
        By.GUEST: _("not in the list: guests"),
        By.DOUBTFUL: _("doubtful"),
    }
    return words[by]


def show_import(
    terminal: Terminal, event: str, export: Export, found: Changes, gone: Mapping[str, bool], left: int
) -> None:
    """Print how rows were matched, what changed, and what is to be settled.

    :param gone: the decisions about missing rows: the row's key → true if the person does not come.
    :param left: the number of rows that are still to be settled, including those of earlier exports.
    """
    for note in export.notes:
        terminal.note(note, "dim")
    settled = [*found.news, *found.same, *(each.match for each in found.stands)]
    ways = Counter(match.by for match in (*settled, *found.guests, *found.doubtful))
    how = [f"{ways[by]} {_by_words(by)}" for by in By if ways[by]]
    total = len(export.signups)
    rows = ngettext("%(n)d row", "%(n)d rows", total) % {"n": total}
    terminal.say(f"{rows}: {', '.join(how)}" if how else rows)
    for line in _changed(found):
        terminal.say(line)
    for line in _open(found, gone):
        terminal.say(line, "yellow")
    if left:
        words = ngettext(
            "%(n)d row is to be settled: mkwmail answers list %(event)s",
            "%(n)d rows are to be settled: mkwmail answers list %(event)s",
            left,
        )
        terminal.say(words % {"n": left, "event": event}, "yellow")


def _changed(found: Changes) -> Iterator[str]:
    for match in (*found.news, *found.guests):
        signup = match.signup
        who = match.person.name if match.person else _("%(who)s, guest") % {"who": signup.who}
        if match.person and signup.name and signup.name != match.person.name:
            who = _("%(who)s (signed up as %(name)s)") % {"who": who, "name": signup.name}
        yield f"  {who}: {answer_words(signup.answer or '')}"
    for held in found.stands:
        words = {
            "who": held.match.person.name if held.match.person else held.match.signup.who,
            "answer": answer_words(held.match.signup.answer or ""),
            "held": answer_words(held.held.answer),
            "day": day_in_words(held.held.given),
        }
        yield _("  %(who)s: the export says %(answer)s; %(held)s, recorded on %(day)s, is later and stands") % words
    count = len(found.news) + len(found.guests)
    yield ngettext("%(n)d answer recorded.", "%(n)d answers recorded.", count) % {"n": count}
    if found.same:
        same = ngettext("%(n)d says nothing new.", "%(n)d say nothing new.", len(found.same))
        yield same % {"n": len(found.same)}
    if found.superseded:
        again = ngettext(
            "%(n)d was filled in anew later: the last one counts.",
            "%(n)d were filled in anew later: the last one counts.",
            found.superseded,
        )
        yield again % {"n": found.superseded}


def _open(found: Changes, gone: Mapping[str, bool]) -> Iterator[str]:
    for match in found.doubtful:
        yield _doubt(match)
    missing = [each.name or each.address for each in found.missing if each.key not in gone]
    if missing:
        words = ngettext(
            "%(n)d is in an earlier export and not in this one: %(who)s. Cancelled? mkwmail answers set … nee",
            "%(n)d are in an earlier export and not in this one: %(who)s. Cancelled? mkwmail answers set … nee",
            len(missing),
        )
        yield words % {"n": len(missing), "who": some(missing)}


def _doubt(match: Match) -> str:
    candidates = ", ".join(each.name for each in match.candidates)
    words = {"row": match.signup.row, "who": match.signup.who, "doubt": match.doubt, "candidates": candidates}
    if match.candidates:
        return _("  row %(row)d, %(who)s: %(doubt)s (%(candidates)s?)") % words
    return _("  row %(row)d, %(who)s: %(doubt)s") % words


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """The answer of one person; ``answer`` is empty if there is none.

    ``source``: how the answer was given. ``code``: the code of the person's link, which identifies the person
    when an edited list is imported. ``asked``: the answers to the form's further questions. ``guest``: the person
    is not a member.
    """

    member: str
    address: str
    organisation: str
    answer: str
    source: str
    given: datetime | None
    code: str = ""
    guest: bool = False
    asked: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to an event's invitation.

    The secretary must look at ``strays`` and ``unsettled``.
    """

    event: Event
    lines: tuple[AnswerLine, ...]
    strays: tuple[Stray, ...] = ()
    unsettled: tuple[KeptSignup, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def given(self) -> tuple[AnswerLine, ...]:
        """The lines of those who have answered."""
        return tuple(line for line in self.lines if line.answer)


def counts_in_words(answers: Sequence[str]) -> str:
    """Return the totals of answers: ``43 attending, 12 declined``."""
    n = Counter(answers)
    phrases = {
        "attending": ngettext("%(n)d attending", "%(n)d attending", n["attending"]),
        "present": ngettext("%(n)d was present", "%(n)d were present", n["present"]),
        "tentative": ngettext("%(n)d tentative", "%(n)d tentative", n["tentative"]),
        "declined": ngettext("%(n)d declined", "%(n)d declined", n["declined"]),
        "absent": ngettext("%(n)d was absent", "%(n)d were absent", n["absent"]),
    }
    return ", ".join(phrase % {"n": n[answer]} for answer, phrase in phrases.items() if n[answer])


def show_answers(terminal: Terminal, answers: Answers) -> None:
    """Print the answers as a table, with totals and open questions.

    Below the table are the totals of answers and of the form's further questions, and the answers that the
    secretary must look at.
    """
    show_title(terminal, answers.event, _("answers"))
    terminal.say()
    if answers.given:
        headings = [_("Member"), _("Organisation"), _("Answer"), _("From"), _("Given")]
        terminal.table(headings, [_row(line) for line in answers.given])
        terminal.say(counts_in_words([line.answer for line in answers.given]), "bold")
        show_questions(terminal, answers.questions)
    else:
        terminal.say(_("Nobody has answered yet."))
    for stray in answers.strays:
        words = {"address": stray.address, "answer": answer_words(stray.answer), "moment": day_and_time(stray.given)}
        sentence = _("To look at: %(address)s answered %(answer)s on %(moment)s to an entry that was another's")
        terminal.say(sentence % words, "yellow")
    for row in answers.unsettled:
        said = answer_words(row.answer) if row.answer else _("an unknown answer")
        settling = {"who": _who(row), "answer": said, "doubt": row.doubt}
        terminal.say(_("To settle: %(who)s, %(answer)s: %(doubt)s") % settling, "yellow")
    if answers.unsettled:
        words = {"event": answers.event.id, "who": answers.unsettled[0].name or answers.unsettled[0].address}
        terminal.say(_('  Import it again in a terminal, or: mkwmail answers set %(event)s "%(who)s" ja') % words)


def _row(line: AnswerLine) -> list[str]:
    name = line.member or line.address
    shown = _("%(name)s (guest)") % {"name": name} if line.guest else name
    given = day_in_figures(line.given) if line.given else ""
    return [shown, line.organisation, answer_words(line.answer), _source_words(line.source), given]


def _source_words(source: str) -> str:
    return {"calendar": _("their calendar"), "said": _("said"), "sign-up": _("sign-up form")}.get(source, source)


def _who(row: KeptSignup) -> str:
    return f"{row.name} <{row.address}>" if row.name and row.address else row.name or row.address or row.number


def show_questions(terminal: Terminal, questions: Sequence[Question]) -> None:
    """Print the form's further questions with the totals of their answers."""
    for question in questions:
        terminal.say(question_line(question))


def question_line(question: Question) -> str:
    """Return a question of the form with the totals of its answers."""
    counted = ", ".join(f"{count} x {value}" for value, count in question.counts.items())
    asked = question.question if question.question.endswith(("?", ":")) else f"{question.question}:"
    words = {"question": asked, "counted": counted, "filled": question.filled}
    line = _("%(question)s %(counted)s") if counted else _("%(question)s answered by %(filled)d")
    return line % words


def answers_csv(answers: Answers) -> bytes:
    """Return the list of all members and guests as CSV for Excel.

    The user can edit it and import it again. Its column "answer when listed" shows which rows were edited. The
    answer to a row that was not edited can have changed since, for example because a member telephoned.
    """
    asked = list(dict.fromkeys(question for line in answers.lines for question in line.asked))
    headings = (
        *("code", _("name"), _("name to sort by"), _("organisation"), "e-mail", _("answer"), _("answer when listed")),
        *(_("kind"), _("from where"), _("recorded on")),
    )
    rows = [
        [
            *(line.code, line.member, sorting_name(read_name(line.member)), line.organisation, line.address),
            *(answer_words(line.answer), answer_words(line.answer)),
            *(_("guest") if line.guest else _("member"), _source_words(line.source)),
            moment_in_cell(line.given) if line.given else "",
            *(line.asked.get(question, "") for question in asked),
        ]
        for line in answers.lines
    ]
    return spreadsheet((*headings, *asked), rows)


def answers_value(answers: Answers) -> dict[str, Any]:
    """Return the answers for a JSON document."""
    return {
        "event": answers.event.id,
        "answers": [
            {
                "member": each.member,
                "address": each.address,
                "organisation": each.organisation,
                "guest": each.guest,
                "answer": each.answer,
                "source": each.source,
                "given": each.given.isoformat() if each.given else None,
                "asked": dict(each.asked),
            }
            for each in answers.given
        ],
        "questions": question_values(answers.questions),
        "to_look_at": [
            {"address": each.address, "answer": each.answer, "given": each.given.isoformat()} for each in answers.strays
        ],
        "to_settle": [
            {"name": each.name, "address": each.address, "answer": each.answer, "doubt": each.doubt}
            for each in answers.unsettled
        ],
    }


def question_values(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Return the questions and their totals for a JSON document."""
    return [
        {"question": each.question, "dietary": each.dietary, "counts": dict(each.counts), "filled": each.filled}
        for each in questions
    ]


@dataclass(frozen=True, slots=True)
class Attendance:
    """The attendance of an event.

    ``answers``: the answers of members and guests. ``guests``: the number of guests who come. ``silent``: the
    number of members who were invited and have not answered. ``places``: the number of organisations, and
    ``absent_places`` the names of those from which no one comes. ``to_phone``: the people whom no mail reaches.
    ``by_post``: the members without a mail address, with their telephone numbers.
    ``unsettled``: the number of doubtful rows of exports. ``last``: the moment of the last answer.
    """

    answers: tuple[str, ...] = ()
    guests: int = 0
    silent: int = 0
    questions: tuple[Question, ...] = ()
    places: int = 0
    absent_places: tuple[str, ...] = ()
    to_phone: tuple[PersonWithReason, ...] = ()
    by_post: tuple[PersonWithReason, ...] = ()
    unsettled: int = 0
    last: datetime | None = None


def counted(attendance: Attendance) -> tuple[str, Sequence[str]]:
    """Return the totals of answers as a phrase, and further sentences.

    The sentences tell how many members have not answered, and when the last answer was given.
    """
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
    """Print the attendance, and the people to telephone.

    It has the totals of answers and of the form's questions, and the organisations from which no one comes.
    """
    if attendance.answers:
        line, more = counted(attendance)
        terminal.gap()
        terminal.say(_("Answers: %(counts)s") % {"counts": line}, "bold")
        for sentence in more:
            terminal.say(f"  {sentence}")
        show_questions(terminal, attendance.questions)
        _show_places(terminal, attendance, everybody)
    show_by_reason(terminal, _("To telephone"), attendance.to_phone, everybody=everybody, style="yellow")
    show_by_reason(terminal, _("By post or telephone"), attendance.by_post, everybody=everybody, style="yellow")


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
    """Return the attendance for a JSON document."""
    return {
        "answers": {answer: attendance.answers.count(answer) for answer in sorted(set(attendance.answers))},
        "guests": attendance.guests,
        "silent": attendance.silent,
        "last": attendance.last.isoformat() if attendance.last else None,
        "questions": question_values(attendance.questions),
        "organisations": attendance.places,
        "nobody_from": list(attendance.absent_places),
        "to_phone": entry_values(attendance.to_phone),
        "by_post": entry_values(attendance.by_post),
        "to_settle": attendance.unsettled,
    }
