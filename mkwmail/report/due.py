"""What a run of `due` did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mkwmail.language import _
from mkwmail.report.matters import Matter
from mkwmail.report.terminal import Terminal
from mkwmail.report.words import mails
from mkwmail.sending.outcome import Outcome
from mkwmail.sources.event import Event


@dataclass(frozen=True, slots=True)
class Went:
    """What was delivered of one mailing in this run."""

    event: Event
    mailing: str
    outcome: Outcome


def is_worth_a_word(went: Went) -> bool:
    """Whether anything came of it for anybody."""
    outcome = went.outcome
    return bool(outcome.sent or outcome.deferred or outcome.refused or outcome.in_doubt)


def show_went(terminal: Terminal, went: Sequence[Went]) -> None:
    """Print a line for each mailing: how many went, and how many did not."""
    for each in went:
        outcome = each.outcome
        counts = (
            (_("%(n)d deferred"), len(outcome.deferred)),
            (_("%(n)d waiting"), len(outcome.waiting)),
            (_("%(n)d refused"), len(outcome.refused)),
            (_("%(n)d in doubt"), len(outcome.in_doubt)),
        )
        sent = _("%(mails)s sent") % {"mails": mails(len(outcome.sent))}
        words = [sent, *(word % {"n": count} for word, count in counts if count)]
        terminal.say(f"{each.event.id}: {each.mailing}: {', '.join(words)}")


def due_value(went: Sequence[Went], matters: Sequence[Matter]) -> dict[str, Any]:
    """The document of ``due --json``: what went in this run, and all that asks for a person, told before or not."""
    return {
        "mailings": [
            {
                "event": each.event.id,
                "mailing": each.mailing,
                "sent": len(each.outcome.sent),
                "deferred": len(each.outcome.deferred),
                "waiting": len(each.outcome.waiting),
                "refused": len(each.outcome.refused),
                "in_doubt": len(each.outcome.in_doubt),
            }
            for each in went
        ],
        "matters": [
            {
                "matter": matter.name,
                "code": int(matter.code),
                "said": matter.said,
                "remedy": matter.remedy,
                "details": list(matter.details),
            }
            for matter in matters
        ],
    }
