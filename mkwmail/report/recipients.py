"""Recipients of a mailing, and people who do not get it, with reasons.

People read them grouped by reason; programs get one value for each person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mkwmail.clock import day_and_time
from mkwmail.config.event import Event
from mkwmail.dutch.names import full_name, sort_key
from mkwmail.i18n import _
from mkwmail.members.names import read_name
from mkwmail.planning.plan import Plan, Skip, Waiting
from mkwmail.report.mail import MailView, attached_words
from mkwmail.report.terminal import Style, Terminal
from mkwmail.text import mails, members, some


@dataclass(frozen=True, slots=True)
class Entry:
    """A person in a list, with the reason why they are in it."""

    member: str
    address: str
    reason: str

    @property
    def shown(self) -> str:
        """The name and the address, or the one that is known."""
        return f"{self.member} <{self.address}>" if self.member and self.address else self.member or self.address


def entry_values(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """Return the entries for a JSON document."""
    return [{"member": one.member, "address": one.address, "reason": one.reason} for one in entries]


def by_reason(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    """Return each reason with the people for whom it holds.

    Reasons are in the order of their first entry; people are sorted by the main word of their names.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.reason, []).append(entry)
    return {
        reason: sorted(people, key=lambda entry: sort_key(read_name(entry.member))) for reason, people in groups.items()
    }


def show_by_reason(
    terminal: Terminal, heading: str, entries: Sequence[Entry], *, everybody: bool = False, style: Style = ""
) -> None:
    """Print a heading with the number of people, then the people by reason.

    :param everybody: print all people of each reason; otherwise only the first few.
    """
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
    """Return the people whom a plan does not mail, with the reasons."""
    return tuple(Entry(one.name, one.address, one.reason) for one in people)


def deferred_entries(people: Sequence[Waiting]) -> tuple[Entry, ...]:
    """Return the people whose message the server deferred.

    The reason includes the moment from which the message can be tried again.
    """
    reason = _("%(reason)s; not before %(moment)s")
    return tuple(
        Entry(one.name, one.address, reason % {"reason": one.reason, "moment": day_and_time(one.not_before)})
        for one in people
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """The plan of a run as it is shown before confirmation.

    ``sample``: the first mail. ``subjects``: the number of different subjects. ``count``: the number of mails in
    this run. ``odd``: sentences about odd things.
    """

    event: Event
    plan: Plan
    sample: MailView
    subjects: int
    count: int
    odd: tuple[str, ...]


def show_title(terminal: Terminal, event: Event, mailing: str) -> None:
    """Print a title: ``Directeurendag, 16 April 2020 13:00: invitation``."""
    terminal.say(f"{event.title}, {day_and_time(event.starts)}: {mailing}", "bold")


def show_proposal(terminal: Terminal, proposal: Proposal) -> None:
    """Print the recipients and the mail, the people left out, and oddities."""
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
    """Print the people who do not get a mailing in this run, and why."""
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
