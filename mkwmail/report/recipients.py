"""Mailing before and after it is sent: who gets which mail, and why not.

People read recipients grouped by reason; programs get one value for each person. Mails are shown as text and JSON, and
tables as CSV files for Excel.
"""

import csv
import email
import email.policy
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from functools import partial
from typing import TYPE_CHECKING, Any

from mkwmail.clock import clock_time, day_and_time, day_in_words, moment_from
from mkwmail.config.event import Event
from mkwmail.config.kinds import mailing_words, shown_name, typed_name
from mkwmail.dutch.names import sort_key
from mkwmail.errors import ExitCode, Fault, fault_at
from mkwmail.i18n import _, mails, members, ngettext, size, some
from mkwmail.members.names import read_name
from mkwmail.planning.audience import Recipient
from mkwmail.planning.plan import Plan
from mkwmail.report.terminal import Style, Terminal, fault_lines, fault_values

if TYPE_CHECKING:
    from mkwmail.delivery.outcome import Outcome
    from mkwmail.mail.letter import Message


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that is attached to a mail.

    ``octets`` is the size of the file itself, not of its encoding.
    """

    name: str
    content_type: str
    octets: int


@dataclass(frozen=True, slots=True)
class CalendarView:
    """The content of a mail's calendar part.

    ``starts`` and ``ends`` are in iCalendar's form, without their zone.
    """

    method: str
    title: str
    starts: str
    ends: str
    place: str

    def __str__(self) -> str:
        shown = ", ".join(part for part in (self.title, _moments(self.starts, self.ends), self.place) if part)
        match self.method:
            case "request":
                return _("%(entry)s (with answer buttons)") % {"entry": shown}
            case "cancel":
                return _("%(entry)s (removed from the calendar)") % {"entry": shown}
        return shown


@dataclass(frozen=True, slots=True)
class MailView:
    """The content of a message, parsed from its bytes.

    So nothing is shown that is not in the bytes.
    """

    sender: str
    recipient: str
    subject: str
    message_id: str
    text: str
    attached: tuple[Attached, ...]
    calendar: CalendarView | None
    octets: int


def mail_view(message: "Message") -> MailView:
    """Return the content of a message, parsed as a mail program does."""
    mail = BytesParser(_class=EmailMessage, policy=email.policy.default).parsebytes(message.data)
    text = mail.get_body(("plain",))
    files = [part for part in mail.walk() if part.get_content_disposition() == "attachment"]
    calendars = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    return MailView(
        sender=str(mail["From"] or ""),
        recipient=str(mail["To"] or ""),
        subject=str(mail["Subject"] or ""),
        message_id=message.message_id,
        text=_text(text).rstrip("\n") if text is not None else "",
        attached=tuple(_attached(part) for part in files),
        calendar=_calendar(_text(calendars[0])) if calendars else None,
        octets=message.size,
    )


def plain_text(message: "Message") -> str:
    """Return the plain text of a message; parsing all of it, as :func:`mail_view` does, takes six times as long."""
    parts = email.message_from_bytes(message.data).walk()
    text = next(part.get_payload(decode=True) for part in parts if part.get_content_type() == "text/plain")
    return text.decode() if isinstance(text, bytes) else ""


def _text(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def _attached(part: EmailMessage) -> Attached:
    data = part.get_payload(decode=True)
    octets = len(data) if isinstance(data, bytes) else 0
    return Attached(part.get_filename() or "", part.get_content_type(), octets)


_UNFOLD = re.compile(r"\n[ \t]")  # RFC 5545 §3.1
_ENTRY = re.compile(r"BEGIN:VEVENT\n(.*?)END:VEVENT", re.DOTALL)
_PROPERTY = re.compile(r"^([A-Z-]+)(?:;[^:\n]*)?:(.*)$", re.MULTILINE)


def _calendar(text: str) -> CalendarView:
    plain = _UNFOLD.sub("", text)
    methods = [value for name, value in _PROPERTY.findall(plain) if name == "METHOD"]
    entry = _ENTRY.search(plain)
    found = {name: _plain(value) for name, value in _PROPERTY.findall(entry[1])} if entry else {}
    method = methods[0].lower() if methods else "?"
    title, starts, ends, place = (found.get(name, "") for name in ("SUMMARY", "DTSTART", "DTEND", "LOCATION"))
    return CalendarView(method, title, starts, ends, place)


def _plain(value: str) -> str:
    """Return a TEXT value without escapes (RFC 5545 §3.3.11), in one line."""
    return re.sub(r"\\([,;\\])", r"\1", value).replace("\\n", " ")


def _moments(starts: str, ends: str) -> str:
    """Return start and end in words; the day appears once if it is the same."""
    try:
        first, last = (datetime.strptime(each, "%Y%m%dT%H%M%S") for each in (starts, ends))
    except ValueError:
        return " - ".join(each for each in (starts, ends) if each)
    if first.date() == last.date():
        words = {"day": day_in_words(first), "starts": clock_time(first), "ends": clock_time(last)}
        return _("%(day)s from %(starts)s to %(ends)s") % words
    return _("%(starts)s to %(ends)s") % {"starts": day_and_time(first), "ends": day_and_time(last)}


def show_mail(terminal: Terminal, view: MailView) -> None:
    """Print a mail: its headers, its attachments, and its plain text."""
    rows = [(_("From"), view.sender), (_("To"), view.recipient), (_("Subject"), view.subject)]
    if view.attached:
        rows.append((_("Attached"), attached_words(view.attached)))
    if view.calendar:
        rows.append((_("Calendar"), str(view.calendar)))
    terminal.facts([*rows, (_("Size"), size(view.octets))])
    terminal.say()
    for line in view.text.split("\n"):
        terminal.say(f"  {line}" if line else "")


def attached_words(files: tuple[Attached, ...]) -> str:
    """Return the attachments in words.

    For example: ``programma.pdf (120 kB), invite.ics (2 kB)``.
    """
    return ", ".join(f"{file.name} ({size(file.octets)})" for file in files)


def mail_value(view: MailView) -> dict[str, Any]:
    """Return a mail for a JSON document."""
    return {
        "from": view.sender,
        "to": view.recipient,
        "subject": view.subject,
        "message_id": view.message_id,
        "text": view.text,
        "attachments": [{"name": file.name, "type": file.content_type, "size": file.octets} for file in view.attached],
        "calendar": asdict(view.calendar) if view.calendar else None,
        "size": view.octets,
    }


# Excel reads a cell that begins with one of these as a formula (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return a CSV file for Excel: with byte order mark and ``;``.

    A cell that Excel would calculate gets an apostrophe at its start.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")


@dataclass(frozen=True, slots=True)
class PersonWithReason:
    """A person in a list, with the reason why they are in it."""

    member: str
    address: str
    reason: str

    @property
    def shown(self) -> str:
        """The name and the address, or the one that is known."""
        return f"{self.member} <{self.address}>" if self.member and self.address else self.member or self.address


def entry_values(entries: Iterable[PersonWithReason]) -> list[dict[str, str]]:
    """Return the entries for a JSON document."""
    return [{"member": one.member, "address": one.address, "reason": one.reason} for one in entries]


def by_reason(entries: Iterable[PersonWithReason]) -> Mapping[str, Sequence[PersonWithReason]]:
    """Return each reason with the people for whom it holds.

    Reasons are in the order of their first entry; people are sorted by the main word of their names.
    """
    groups: dict[str, list[PersonWithReason]] = {}
    for entry in entries:
        groups.setdefault(entry.reason, []).append(entry)
    return {
        reason: sorted(people, key=lambda entry: sort_key(read_name(entry.member))) for reason, people in groups.items()
    }


# A server's reply, alone or behind other words: with a basic code (RFC 5321 §4.2) or an enhanced one (RFC 3463).
_REPLY = re.compile(r"(?:^|(?<=: ))(?:[45]\d\d[ -]|[45]\.\d{1,3}\.\d{1,3}[ :]).*", re.DOTALL)


def explained(reason: str) -> str:
    """Return a reason with what a server's reply in it means, the reply itself behind that.

    English: ``550 5.1.1 no such user`` is ``the address is wrong (550 5.1.1 no such user)``.
    """
    found = _REPLY.search(reason)
    if found is None:
        return reason
    from mkwmail.responses.bounce_text import Verdict, names_no_mailbox, verdict

    meanings = {
        Verdict.FAILED: _("their server refuses the mail"),
        Verdict.FULL: _("the mailbox is full"),
        Verdict.POLICY: _("their server refuses the mail, not the address"),
        Verdict.LOOP: _("their mail system sends the mail in a loop"),
        Verdict.GIVEN_UP: _("their server could not be reached"),
    }
    reply = found[0]
    kind = verdict("", reply)
    if reply.startswith("4") and kind is not Verdict.FULL:
        means = _("their server does not take the mail yet")
    elif names_no_mailbox(reply):
        means = _("the address is wrong")
    else:
        means = meanings[kind]
    return f"{reason[: found.start()]}{means} ({reply})"


def show_by_reason(
    terminal: Terminal, heading: str, entries: Sequence[PersonWithReason], *, everybody: bool = False, style: Style = ""
) -> None:
    """Print a heading with the number of people, then the people by reason.

    :param everybody: print all people of each reason; otherwise only the first few.
    """
    if not entries:
        return
    terminal.gap()
    terminal.say(f"{heading}: {len(entries)}", style)
    for why, people in by_reason(entries).items():
        reason = explained(why)
        if len(people) == 1:
            terminal.say(f"  {people[0].shown}: {reason}")
        elif everybody:
            terminal.say(f"  {reason}")
            for entry in people:
                terminal.say(f"    {entry.shown}")
        else:
            terminal.say(f"  {reason}: {some([entry.shown for entry in people])}")


def entries(people: Sequence[Recipient]) -> tuple[PersonWithReason, ...]:
    """Return the people whom a plan does not mail, with the reasons."""
    return tuple(PersonWithReason(one.name, one.address, one.reason) for one in people)


def deferred_entries(people: Sequence[Recipient], to_read: bool = False) -> tuple[PersonWithReason, ...]:
    """Return the people whose message the server deferred.

    The reason includes the moment from which the message can be tried again; ``to_read``: and what the reply means.
    """
    reason = _("%(reason)s; not before %(moment)s")
    return tuple(
        PersonWithReason(
            one.name,
            one.address,
            reason % {"reason": why, "moment": day_and_time(one.not_before)} if one.not_before else why,
        )
        for one in people
        for why in [explained(one.reason) if to_read else one.reason]
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """The plan of a run as it is shown before confirmation.

    ``sample``: the first mail. ``subjects``: the number of different subjects. ``count``: the number of mails in
    this run. ``odd``: sentences about odd things, the most important first. ``checked``: those that `check` shows too.
    ``members``: the member list and how it was read. ``along``: how many mails have files of their own, in words.
    ``own``: the names of the sample's own files. ``options``: those of the command line that `check` has too.
    """

    event: Event
    plan: Plan
    sample: MailView
    subjects: int
    count: int
    odd: tuple[str, ...]
    checked: tuple[str, ...]
    members: str
    along: str = ""
    own: frozenset[str] = frozenset()
    options: str = ""


def show_title(terminal: Terminal, event: Event, mailing: str) -> None:
    """Print a title: ``Directeurendag, 16 April 2020 13:00: invitation``."""
    terminal.say(f"{event.title}, {day_and_time(event.starts)}: {mailing}", "bold")


def show_proposal(terminal: Terminal, proposal: Proposal, room: int | None = None) -> None:
    """Print the recipients and the mail, the people left out, and oddities.

    :param room: the number of lines to print at most. The people left out are then only counted, and the least
        important oddities are, with the command that shows them, if there is no room for them.
    """
    _show_head(terminal, proposal)
    notes = [*proposal.odd, *proposal.checked]
    command = f"mkwmail send {proposal.event.id} {typed_name(proposal.plan.round.mailing)}{proposal.options} --dry-run"
    if room is None:
        show_left_out(terminal, proposal.plan)
        kept = notes
    else:
        room -= len(terminal.drawn(partial(_show_head, proposal=proposal)))
        left_out = terminal.drawn(partial(show_left_out, made=proposal.plan))
        if len(left_out) > _MOST_LEFT_OUT and len(left_out) + len(notes) > room:
            counts = "; ".join(f"{heading}: {len(people)}" for heading, people in _left_out(proposal.plan))
            line = _("%(counts)s (who and why: %(command)s)") % {"counts": counts, "command": command}
            terminal.say(line)
            room -= len(terminal.drawn(lambda page: page.say(line)))
        else:
            show_left_out(terminal, proposal.plan)
            room -= len(left_out)
        kept = _fitting(terminal, notes, room)
    for sentence in kept:
        _show_note(terminal, sentence)
    hidden = [each for each in notes if each not in kept]
    if hidden:
        if not set(hidden) & set(proposal.odd):
            command = f"mkwmail check {proposal.event.id}{proposal.options}"
        more = ngettext("and %(n)d more: %(command)s", "and %(n)d more: %(command)s", len(hidden))
        terminal.say(f"  {more % {'n': len(hidden), 'command': command}}", "warning")


_MOST_LEFT_OUT = 5  # lines


def _fitting(terminal: Terminal, notes: Sequence[str], room: int) -> list[str]:
    """Return the notes that fit on so many lines, and leave two for the number of the others."""
    lines = [len(terminal.drawn(partial(_show_note, sentence=each))) for each in notes]
    if sum(lines) <= room:
        return list(notes)
    kept, room = [], room - 2
    for sentence, needed in zip(notes, lines, strict=True):
        if needed <= room:
            kept.append(sentence)
            room -= needed
    return kept


def _show_note(terminal: Terminal, sentence: str) -> None:
    terminal.say(_("Note: %(what)s") % {"what": sentence}, "warning")


def _show_head(terminal: Terminal, proposal: Proposal) -> None:
    made, sample = proposal.plan, proposal.sample
    show_title(terminal, proposal.event, mailing_words(made.round.mailing))
    terminal.say()
    subject = sample.subject
    if proposal.subjects > 1:
        subject = _("%(subject)s (and %(n)d others)") % {"subject": subject, "n": proposal.subjects - 1}
    going = made.to_send[: proposal.count]
    names = [each.name or each.address for each in going if not each.copy_of]
    copied = [each.name or each.address for each in going if each.copy_of]
    to = f"{members(len(names))}: {some(names)}" if names else ""
    if copied:
        copies = ngettext(
            "%(n)d copy for an assistant: %(names)s", "%(n)d copies for assistants: %(names)s", len(copied)
        )
        to = "; ".join(filter(None, (to, copies % {"n": len(copied), "names": some(copied)})))
    if proposal.count < len(made.to_send):
        to = _("%(to)s; %(rest)s stay for a later run") % {
            "to": to,
            "rest": mails(len(made.to_send) - proposal.count),
        }
    attached = attached_words(tuple(each for each in sample.attached if each.name not in proposal.own)) or _("none")
    rows = [(_("From"), sample.sender), (_("Subject"), subject), (_("To"), to), (_("Attached"), attached)]
    if proposal.along:
        rows.append((_("Per person"), proposal.along))
    terminal.facts([*rows, (_("List"), proposal.members)])
    terminal.say()


def show_left_out(terminal: Terminal, made: Plan, everybody: bool = False) -> None:
    """Print the people who do not get a mailing in this run, and why."""
    for heading, people in _left_out(made):
        show_by_reason(terminal, heading, people, everybody=everybody)


def _left_out(made: Plan) -> Iterator[tuple[str, tuple[PersonWithReason, ...]]]:
    groups = (
        (_("Had it already"), entries(made.already)),
        (_("Skipped"), entries(made.skipped)),
        (_("Deferred by the server"), deferred_entries(made.waiting)),
        (_("Refused"), entries(made.refused)),
        (_("In doubt"), entries(made.in_doubt)),
        (_("Too late"), entries(made.expired)),
    )
    return (group for group in groups if group[1])


@dataclass(frozen=True, slots=True)
class Summary:
    """A run of ``send``, and the situation after it.

    ``planned``: the number of mails planned for this run. ``after``: the plan as it would be made again after the
    run; the people whom it would still mail are waiting. ``code``: the exit code of the command. ``faulty``: rows
    of the list that were left out. ``unsettled``: the sign-ups that are to be settled.
    """

    event: str
    mailing: str
    planned: int
    outcome: "Outcome"
    after: Plan
    code: ExitCode
    faulty: tuple[PersonWithReason, ...] = ()
    unsettled: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        """The number of mails sent in this run."""
        return len(self.outcome.sent)

    @property
    def copies(self) -> int:
        """The number of those mails that are an assistant's copy."""
        return sum(bool(each.recipient.copy_of) for each in self.outcome.sent)

    @property
    def waiting(self) -> int:
        """The number of people whom the next run will mail."""
        return len(self.after.to_send)

    @property
    def skipped(self) -> tuple[PersonWithReason, ...]:
        """Everybody for whom the mailing is not meant, or with a faulty row."""
        return (*entries(self.after.skipped), *self.faulty)

    @property
    def late(self) -> tuple[PersonWithReason, ...]:
        """Everybody who does not get the mailing because it is too late."""
        return entries(self.after.expired)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that stopped the run, or that prevent a next one."""
        stopped = self.outcome.stopped
        found = [Fault("", stopped.reason, stopped.remedy)] if stopped else []
        if self.after.expired:
            fault = _("too late: the latest moment of %(mailing)s was %(moment)s")
            remedy = _("to send it anyway, write a later moment: mailings: %(mailing)s: latest: …")
            found.append(fault_at("", fault, remedy, moment=day_and_time(self.after.latest), mailing=self.mailing))
        return tuple(found)


def summary_value(summary: Summary) -> dict[str, Any]:
    """Return the document of ``send --json``."""
    after = summary.after
    return {
        "event": summary.event,
        "mailing": summary.mailing,
        "planned": summary.planned,
        "sent": summary.sent,
        "waiting": summary.waiting,
        "deferred": entry_values(deferred_entries(after.waiting)),
        "refused": entry_values(entries(after.refused)),
        "in_doubt": entry_values(entries(after.in_doubt)),
        "skipped": entry_values((*entries(after.skipped), *summary.late, *summary.faulty)),
        "faults": fault_values(summary.faults),
    }


def show_summary(terminal: Terminal, summary: Summary, now: datetime) -> None:
    """Print what was sent, what was not and why, and the next commands."""
    after = summary.after
    for line in fault_lines(summary.faults):
        terminal.say(line, "bad")
    if summary.outcome.interrupted:
        terminal.say(_("Interrupted. What was done is recorded; nobody will be mailed twice."), "warning")
    if not summary.planned:
        _show_nothing_left(terminal, summary)
    else:
        clean = summary.code is ExitCode.OK
        terminal.say(", ".join(_counts(summary)) + ".", "good" if clean else "bold")
    show_by_reason(
        terminal, _("Deferred"), deferred_entries(after.waiting, to_read=True), everybody=True, style="waiting"
    )
    show_by_reason(terminal, _("Refused"), entries(after.refused), everybody=True, style="bad")
    show_by_reason(terminal, _("In doubt"), entries(after.in_doubt), everybody=True, style="doubt")
    # If the run had no mail to send, the first names are enough.
    show_by_reason(terminal, _("Too late"), summary.late, everybody=summary.planned > 0, style="bad")
    show_by_reason(terminal, _("Skipped"), summary.skipped)
    for step in _next_steps(summary, now):
        terminal.say(step)
    if summary.unsettled:
        words = ngettext(
            "%(n)d sign-up is to be settled: %(names)s. See: mkwmail answers list %(event)s",
            "%(n)d sign-ups are to be settled: %(names)s. See: mkwmail answers list %(event)s",
            len(summary.unsettled),
        )
        shown = {"n": len(summary.unsettled), "names": some(summary.unsettled), "event": summary.event}
        terminal.say(words % shown, "warning")


def _counts(summary: Summary) -> list[str]:
    after = summary.after
    counts = (
        (_("%(n)d waiting"), summary.waiting),
        (_("%(n)d deferred"), len(after.waiting)),
        (_("%(n)d refused"), len(after.refused)),
        (_("%(n)d in doubt"), len(after.in_doubt)),
        (_("%(n)d too late"), len(summary.late)),
        (_("%(n)d skipped"), len(summary.skipped)),
    )
    sent = _("%(mails)s sent") % {"mails": mails(summary.sent)}
    if summary.copies:
        copied = ngettext("%(n)d of them a copy", "%(n)d of them copies", summary.copies) % {"n": summary.copies}
        sent = f"{sent} ({copied})"
    return [sent, *(words % {"n": count} for words, count in counts if count)]


def _show_nothing_left(terminal: Terminal, summary: Summary) -> None:
    after = summary.after
    others = after.waiting or after.refused or after.in_doubt or after.expired
    if after.already and not others:
        sentence = _("Nothing was sent: everybody already had the %(mailing)s.")
    else:
        sentence = _("Nothing was sent: there is nobody to send the %(mailing)s to now.")
    terminal.say(sentence % {"mailing": shown_name(summary.mailing)}, "bold")
    show_by_reason(terminal, _("Had it already"), entries(after.already))


def _next_steps(summary: Summary, now: datetime) -> list[str]:
    """Return the next commands, each in a sentence."""
    words = {"event": summary.event, "mailing": typed_name(summary.mailing), "mails": mails(summary.waiting)}
    after = summary.after
    steps = []
    if summary.waiting and summary.outcome.until:
        words["moment"] = moment_from(now, summary.outcome.until)
        steps.append(_("%(mails)s still to send, from %(moment)s: mkwmail send %(event)s %(mailing)s") % words)
    elif summary.waiting:
        steps.append(_("%(mails)s still to send: mkwmail send %(event)s %(mailing)s") % words)
    if after.waiting:
        words["moment"] = moment_from(now, min(filter(None, (each.not_before for each in after.waiting)), default=now))
        steps.append(_("The deferred, from %(moment)s: mkwmail send %(event)s %(mailing)s") % words)
    if after.in_doubt or after.refused:
        steps.append(_("To decide about those in doubt or refused: mkwmail resolve %(event)s") % words)
    if not steps:
        steps.append(_("Who got what: mkwmail status %(event)s") % words)
    return steps
