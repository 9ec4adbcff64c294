"""People with what holds for each: grouped by reason for a reader, one by one for a program."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mkwmail.clock import day_and_time
from mkwmail.config.event import Event
from mkwmail.dutch.names import Name, full_name, sort_key
from mkwmail.i18n import _
from mkwmail.planning.plan import Plan, Skip, Waiting
from mkwmail.report.mail import MailView, attached_words
from mkwmail.report.terminal import Style, Terminal
from mkwmail.text import mails, members, some


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody, and why they are in the list that this stands in."""

    member: str
    address: str
    reason: str

    @property
    def shown(self) -> str:
        """The name and the address, as far as there is either."""
        return f"{self.member} <{self.address}>" if self.member and self.address else self.member or self.address


def entry_values(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """The entries of a JSON document."""
    return [{"member": one.member, "address": one.address, "reason": one.reason} for one in entries]


def by_reason(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Each reason, in the order in which they come, with whom it holds for, by the main word of their names."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.reason, []).append(entry)
    return {
        reason: sorted(people, key=lambda entry: sort_key(Name(written=entry.member)))
        for reason, people in groups.items()
    }


def show_by_reason(
    terminal: Terminal, heading: str, entries: Sequence[Entry], *, everybody: bool = False, style: Style = ""
) -> None:
    """Print a heading with the count, then who it holds for by reason: all of them, or the first few."""
    if not entries:
        return
    terminal.gap()
    terminal.say(f"{heading}: {len(entries)}", style)
    for reason, people in by_reason(entries).items():
        if len(people) == 1:
            terminal.say(f"  {people[0].shown}: {reason}")
        elif everybody:
            terminal.say(f"  {reason}")
            for entry in people:
                terminal.say(f"    {entry.shown}")
        else:
            terminal.say(f"  {reason}: {some([entry.shown for entry in people])}")


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
