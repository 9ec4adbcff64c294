"""Who comes: values that the table, the CSV file and the JSON document share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mkwmail.dutch.names import Name, sorting_name
from mkwmail.language import _, ngettext
from mkwmail.ledger.records import KeptSignup, Stray
from mkwmail.moments import day_and_time, day_in_figures, moment_in_cell
from mkwmail.replies.totals import Question
from mkwmail.report.plan import show_title
from mkwmail.report.signups import answer_words
from mkwmail.report.spreadsheet import spreadsheet
from mkwmail.report.terminal import Terminal
from mkwmail.sources.event import Event


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What one person answered; ``answer`` is empty where they have not. ``source``: how it came.

    ``code`` is that of the person's link, by which an edited list is read again; ``asked`` what the form asked
    beside. ``guest``: no member.
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
    """An event's answers. ``strays`` and ``unsettled`` are for the secretary to look at."""

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
    """``43 attending, 12 declined``."""
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
    """Print the answers as a table, with their counts, what was asked beside, and what is to be looked at."""
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
    """Print what those who come answered to the form's further questions, counted."""
    for question in questions:
        terminal.say(question_line(question))


def question_line(question: Question) -> str:
    """A question of the form, with how many gave which answer."""
    counted = ", ".join(f"{count} x {value}" for value, count in question.counts.items())
    asked = question.question if question.question.endswith(("?", ":")) else f"{question.question}:"
    words = {"question": asked, "counted": counted, "filled": question.filled}
    line = _("%(question)s %(counted)s") if counted else _("%(question)s answered by %(filled)d")
    return line % words


def answers_csv(answers: Answers) -> bytes:
    """The list for Excel: every member and guest. Edited there, it can be imported again.

    The column of the answer when listed tells an edited row from one that only stood in the list while a member
    telephoned.
    """
    asked = list(dict.fromkeys(question for line in answers.lines for question in line.asked))
    headings = (
        *("code", _("name"), _("name to sort by"), _("organisation"), "e-mail", _("answer"), _("answer when listed")),
        *(_("kind"), _("from where"), _("recorded on")),
    )
    rows = [
        [
            *(line.code, line.member, sorting_name(Name(written=line.member)), line.organisation, line.address),
            *(answer_words(line.answer), answer_words(line.answer)),
            *(_("guest") if line.guest else _("member"), _source_words(line.source)),
            moment_in_cell(line.given) if line.given else "",
            *(line.asked.get(question, "") for question in asked),
        ]
        for line in answers.lines
    ]
    return spreadsheet((*headings, *asked), rows)


def answers_value(answers: Answers) -> dict[str, Any]:
    """The answers of a JSON document."""
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
    """The totals of a JSON document."""
    return [
        {"question": each.question, "dietary": each.dietary, "counts": dict(each.counts), "filled": each.filled}
        for each in questions
    ]
