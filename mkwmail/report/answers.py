"""Who comes: values that the table and the JSON document share."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mkwmail.language import _
from mkwmail.ledger.records import Stray
from mkwmail.report.plan import show_title
from mkwmail.report.terminal import Terminal
from mkwmail.report.words import day_and_time
from mkwmail.sources.event import Event


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What one person answered; ``source``: how it came."""

    member: str
    address: str
    organisation: str
    answer: str
    source: str
    given: datetime


@dataclass(frozen=True, slots=True)
class Answers:
    """An event's answers; ``strays`` are for the secretary to look at."""

    event: Event
    lines: tuple[AnswerLine, ...]
    strays: tuple[Stray, ...]


def show_answers(terminal: Terminal, answers: Answers) -> None:
    """Print the answers as a table, with their counts."""
    show_title(terminal, answers.event, _("answers"))
    terminal.say()
    if answers.lines:
        headings = [_("Member"), _("Organisation"), _("Answer"), _("From"), _("Given")]
        rows = [
            [each.member or each.address, each.organisation, each.answer, each.source, day_and_time(each.given)]
            for each in answers.lines
        ]
        terminal.table(headings, rows)
        counts = Counter(each.answer for each in answers.lines)
        terminal.say(", ".join(f"{count} {answer}" for answer, count in sorted(counts.items())), "bold")
    else:
        terminal.say(_("Nobody has answered yet."))
    for stray in answers.strays:
        words = {"address": stray.address, "answer": stray.answer, "moment": day_and_time(stray.given)}
        sentence = _("To look at: %(address)s answered %(answer)s on %(moment)s to an entry that was another's")
        terminal.say(sentence % words, "yellow")


def answers_value(answers: Answers) -> dict[str, Any]:
    """The answers of a JSON document."""
    return {
        "event": answers.event.id,
        "answers": [
            {
                "member": each.member,
                "address": each.address,
                "organisation": each.organisation,
                "answer": each.answer,
                "source": each.source,
                "given": each.given.isoformat(),
            }
            for each in answers.lines
        ],
        "to_look_at": [
            {"address": each.address, "answer": each.answer, "given": each.given.isoformat()} for each in answers.strays
        ],
    }
