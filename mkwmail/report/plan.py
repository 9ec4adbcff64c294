"""A plan as it is shown before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from mkwmail.dutch.names import full_name
from mkwmail.language import _
from mkwmail.moments import day_and_time
from mkwmail.report.mail import MailView, attached_words
from mkwmail.report.people import Entry, show_by_reason
from mkwmail.report.terminal import Terminal
from mkwmail.report.words import mails, members, some
from mkwmail.sending.plan import Plan, Skip, Waiting
from mkwmail.sources.event import Event


def entries(people: Sequence[Skip]) -> tuple[Entry, ...]:
    """Those of a plan whom it does not mail, with the reason."""
    return tuple(Entry(one.name, one.address, one.reason) for one in people)


def deferred_entries(people: Sequence[Waiting]) -> tuple[Entry, ...]:
    """Those whose message the server put off, with the moment from which it can be tried again."""
    reason = _("%(reason)s; not before %(moment)s")
    return tuple(
        Entry(one.name, one.address, reason % {"reason": one.reason, "moment": day_and_time(one.not_before)})
        for one in people
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody who confirms is shown. ``sample``: the first mail; ``count``: how many go in this run."""

    event: Event
    plan: Plan
    sample: MailView
    subjects: int
    count: int
    odd: tuple[str, ...]


def show_title(terminal: Terminal, event: Event, mailing: str) -> None:
    """``Directeurendag, 16 April 2020 13:00: invitation``."""
    terminal.say(f"{event.title}, {day_and_time(event.starts)}: {mailing}", "bold")


def show_proposal(terminal: Terminal, proposal: Proposal) -> None:
    """Print who gets what, who does not, and what is odd."""
    made, sample = proposal.plan, proposal.sample
    show_title(terminal, proposal.event, made.round.mailing)
    terminal.say()
    subject = sample.subject
    if proposal.subjects > 1:
        subject = _("%(subject)s (and %(n)d others)") % {"subject": subject, "n": proposal.subjects - 1}
    names = [full_name(each.member.name) or each.member.email for each in made.to_send[: proposal.count]]
    to = f"{members(proposal.count)}: {some(names)}"
    if proposal.count < len(made.to_send):
        to = _("%(to)s; %(rest)s stay for a later run") % {
            "to": to,
            "rest": mails(len(made.to_send) - proposal.count),
        }
    attached = attached_words(sample.attached) or _("none")
    terminal.facts([(_("From"), sample.sender), (_("Subject"), subject), (_("To"), to), (_("Attached"), attached)])
    terminal.say()
    show_left_out(terminal, made)
    for sentence in proposal.odd:
        terminal.say(_("Note: %(what)s") % {"what": sentence}, "yellow")


def show_left_out(terminal: Terminal, made: Plan, everybody: bool = False) -> None:
    """Print who does not get a mailing in this run, and why."""
    groups = (
        (_("Had it already"), entries(made.already)),
        (_("Skipped"), entries(made.skipped)),
        (_("Deferred by the server"), deferred_entries(made.waiting)),
        (_("Refused"), entries(made.refused)),
        (_("In doubt"), entries(made.in_doubt)),
        (_("Too late"), entries(made.expired)),
    )
    for heading, people in groups:
        show_by_reason(terminal, heading, people, everybody=everybody)
