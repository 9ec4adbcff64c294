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
    """What was delivered of one mailing in this run. ``late``: its latest moment had passed when the run was over."""

    event: Event
    mailing: str
    outcome: Outcome
    late: bool = False

    @property
    def deferred(self) -> int:
        """How many the server put off whom a later run tries again."""
        return 0 if self.late else len(self.outcome.deferred)

    @property
    def waiting(self) -> int:
        """How many a later run will mail."""
        return 0 if self.late else len(self.outcome.waiting)

    @property
    def too_late(self) -> int:
        """How many of those whom this run was to mail get nothing any more."""
        return len(self.outcome.deferred) + len(self.outcome.waiting) if self.late else 0


def is_worth_a_word(went: Went) -> bool:
    """Whether anything came of it for anybody."""
    outcome = went.outcome
    return bool(outcome.sent or outcome.deferred or outcome.refused or outcome.in_doubt)


def show_went(terminal: Terminal, went: Sequence[Went]) -> None:
    """Print a line for each mailing: how many went, and how many did not."""
    for each in went:
        outcome = each.outcome
        counts = (
            (_("%(n)d deferred"), each.deferred),
            (_("%(n)d waiting"), each.waiting),
            (_("%(n)d refused"), len(outcome.refused)),
            (_("%(n)d in doubt"), len(outcome.in_doubt)),
            (_("%(n)d too late"), each.too_late),
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
                "deferred": each.deferred,
                "waiting": each.waiting,
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
