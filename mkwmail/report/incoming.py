"""Mail that came back: saved mails, bounces, and the mailbox.

Every file that an import was given has a line; bounces that count are shown apart from those only listed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mkwmail.clock import ZONE, day_and_time, day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import send_command, shown_name, typed_name
from mkwmail.dutch.dates import date_in_words
from mkwmail.errors import ExitCode, UserError
from mkwmail.i18n import _, ngettext
from mkwmail.ledger.models import Answer, Bounce, KeptSignup, Stray
from mkwmail.ledger.responses import Finding
from mkwmail.mail.compose import UNSUBSCRIBE
from mkwmail.report.answers import answer_words, stray_words, with_comment
from mkwmail.report.notices import Notice, begin, what_of
from mkwmail.report.terminal import Terminal
from mkwmail.responses.bounce_text import Verdict
from mkwmail.responses.bounces import How, Matched, Nature, Returned
from mkwmail.responses.calendar_replies import Heard, Standing
from mkwmail.responses.saved_mail import Saved


@dataclass(frozen=True, slots=True)
class HeardIn:
    """A calendar reply with its file and the name of its person."""

    place: str
    heard: Heard
    name: str = ""


def show_replies(
    terminal: Terminal, event: str, came: Sequence[HeardIn], written: Iterable[tuple[str, Answer]] = ()
) -> None:
    """Print what members' calendars answered, by what it means.

    :param written: answers by mail, with the names.
    """
    recorded = [(each.name, each.heard.answer) for each in came if each.heard.answer is not None]
    recorded += written
    for name, answer in recorded:
        terminal.say(f"  {with_comment(f'{name}: {answer_words(answer.answer)}', answer.comment)}")
    words = ngettext("%(n)d answer recorded.", "%(n)d answers recorded.", len(recorded)) % {"n": len(recorded)}
    terminal.say(words, "bold")
    strays = [each for each in came if each.heard.stray]
    for each in strays:
        if each.heard.stray is not None:
            terminal.say(stray_words(each.heard.stray, each.name), "warning")
    if strays:
        step = _("  If you know their answer: mkwmail answers set %(event)s NAME ja, nee or misschien")
        terminal.say(step % {"event": event})
    for standing in (Standing.REPLACED, Standing.KNOWN, Standing.FOREIGN):
        found = [each for each in came if each.heard.standing is standing]
        if found:
            terminal.say(_counted(standing, len(found)), "dim")
        for each in found:
            terminal.say(f"  {each.name or each.heard.reply.attendee} ({each.place})", "dim")


def _counted(standing: Standing, count: int) -> str:
    phrases = {
        Standing.REPLACED: ngettext(
            "%(n)d was followed by a later answer of the same person.",
            "%(n)d were followed by a later answer of the same person.",
            count,
        ),
        Standing.KNOWN: ngettext("%(n)d has nothing new.", "%(n)d have nothing new.", count),
        Standing.FOREIGN: ngettext("%(n)d is about another event.", "%(n)d are about other events.", count),
    }
    return phrases[standing] % {"n": count}


def show_mails(terminal: Terminal, mails: Iterable[Returned], names: dict[str, str]) -> None:
    """Print mails by their kind, and what to do with them.

    :param names: address key → the name of the person.
    """
    every = list(mails)
    headings = {
        Nature.OPT_OUT: _("No more invitations, please"),
        Nature.CALENDAR: _("Answers of calendars, import them with mkwmail answers import"),
        Nature.REPORT: _("Delivery reports, import them with mkwmail bounces import"),
        Nature.DELIVERED: _("Delivered, says the server"),
        Nature.UNCLEAR: _("Unclear, not counted: look at them"),
        Nature.AUTOMATIC: _("Automatic replies, not counted"),
        Nature.REPLY: _("Written by people, not counted: read them"),
    }
    for nature, heading in headings.items():
        found = [each for each in every if each.nature is nature]
        if found:
            terminal.say(f"{heading}: {len(found)}", "warning" if nature is Nature.OPT_OUT else "dim")
        for each in found:
            terminal.say(f"  {_mail_words(each, names)}", "" if nature is Nature.OPT_OUT else "dim")
            if nature is Nature.OPT_OUT:
                who = names.get(each.sender.casefold(), "")
                terminal.say(f"    {_skip_command(who)}" if who else _("    find this person in the member list"))


def _mail_words(mail: Returned, names: dict[str, str]) -> str:
    who = mail.recipients[0] if mail.recipients else mail.sender
    name = names.get(mail.sender.casefold(), "")
    day = day_in_words(mail.at) if mail.at else ""
    described = ", ".join(filter(None, (f"{name} <{who}>" if name else who, day, mail.subject)))
    return f"{described} ({mail.place})" if described else mail.place


def _skip_command(who: str) -> str:
    quoted = who.replace("\\", "").replace('"', "").replace("$", "").replace("`", "")
    return f'mkwmail skip "{quoted}" --reason "{UNSUBSCRIBE}"'


def show_unread(terminal: Terminal, saved: Saved) -> None:
    """Print the files that are not mails, or that cannot be read."""
    if saved.others:
        count = len(saved.others)
        words = ngettext("%(n)d file is not a mail, by its name:", "%(n)d files are not mails, by their names:", count)
        terminal.say(words % {"n": count}, "dim")
    for place in saved.others:
        terminal.say(f"  {place}", "dim")
    if saved.unread:
        count = len(saved.unread)
        words = ngettext("%(n)d file cannot be read:", "%(n)d files cannot be read:", count)
        terminal.say(words % {"n": count}, "warning")
    for fault in saved.unread:
        terminal.say(f"  {fault}", "warning")


def show_doubts(terminal: Terminal, event: str, rows: Iterable[KeptSignup]) -> None:
    """Print the answers by mail to ask about, with the command that settles each."""
    for row in rows:
        said = {"who": row.name or row.address, "answer": answer_words(row.answer), "doubt": row.doubt}
        if row.answer:
            terminal.say(_("To settle: %(who)s, %(answer)s: %(doubt)s") % said, "warning")
        else:
            terminal.say(_("To settle: %(who)s: %(doubt)s") % said, "warning")
        terminal.say(f'  mkwmail answers set {event} "{said["who"]}" …')


@dataclass(frozen=True, slots=True)
class MatchedBounce:
    """A mail that came back, with the name of its message's recipient.

    ``event``: the id of the event that it is about, if that is another event; ``known``: it was recorded before.
    """

    matched: Matched
    name: str
    event: str = ""
    known: bool = False


def verdict_words(verdict: Verdict) -> str:
    """Return a verdict and what to do about it, in the user's language."""
    words = {
        Verdict.FAILED: _("Not delivered: the address is wrong. Correct it in the member list"),
        Verdict.FULL: _("Not delivered: the mailbox is full. Telephone, or send again later"),
        Verdict.POLICY: _("Not delivered: their server refuses the mail, not the address. Telephone"),
        Verdict.LOOP: _(
            "Not delivered: their mail system sends the mail in a loop; the address may be right. Telephone"
        ),
        Verdict.GIVEN_UP: _("Not delivered: their server was not reached for days. Send again later, or telephone"),
        Verdict.DELAYED: _("Delayed: the server is still trying; you need not do anything"),
    }
    return words[verdict]


def show_bounces(terminal: Terminal, event: str, came: Sequence[MatchedBounce], names: dict[str, str]) -> None:
    """Print the bounces by verdict, then all mail that was not counted.

    :param names: address key → the name of the person.
    """
    counted = [each for each in came if each.matched.message and each.matched.returned.verdict and not each.event]
    news = [each for each in counted if not each.known]
    for verdict in Verdict:
        _show(terminal, verdict_words(verdict), [each for each in news if each.matched.returned.verdict is verdict])
    lost = [each for each in news if each.matched.returned.verdict is not Verdict.DELAYED]
    words = ngettext("%(n)d message came back.", "%(n)d messages came back.", len(lost))
    terminal.say(words % {"n": len(lost)}, "bold")
    known = len(counted) - len(news)
    if known:
        terminal.say(ngettext("%(n)d was known already.", "%(n)d were known already.", known) % {"n": known})
    _show_others(terminal, event, came, names)
    mailings = sorted({each.matched.message.mailing for each in lost if each.matched.message})
    for mailing in mailings:
        step = _("When an address is corrected in the list: mkwmail send %(event)s %(mailing)s")
        terminal.say(step % {"event": event, "mailing": typed_name(mailing)})
    if lost:
        terminal.say(_("To send again to the same address: mkwmail resolve %(event)s") % {"event": event})


def _show(terminal: Terminal, heading: str, came: Sequence[MatchedBounce]) -> None:
    if not came:
        return
    terminal.say(f"{heading}: {len(came)}")
    for each in came:
        returned, message = each.matched.returned, each.matched.message
        sure = _(" (matched by the address alone)") if each.matched.how is How.ADDRESS else ""
        if message is not None:
            terminal.say(f"  {each.name} <{message.address}>, {shown_name(message.mailing)}{sure}: {returned.reply}")


def _show_others(terminal: Terminal, event: str, came: Iterable[MatchedBounce], names: dict[str, str]) -> None:
    """Print mail that was not counted, for example what people wrote."""
    every = list(came)
    groups: tuple[tuple[str, Callable[[MatchedBounce], bool]], ...] = (
        (_("About another event, import it there"), lambda each: bool(each.event)),
        (
            _("About another mail to an address of the list, not counted (mkwmail bounces set)"),
            lambda each: each.matched.how is How.OTHER_MESSAGE,
        ),
        (
            _("About somebody whom mkwmail did not mail, not counted"),
            lambda each: each.matched.how is How.NOT and each.matched.returned.nature is Nature.REPORT,
        ),
    )
    for heading, belongs in groups:
        found = [each for each in every if belongs(each)]
        if found:
            terminal.say(f"{heading}: {len(found)}", "dim")
        for each in found:
            returned = each.matched.returned
            who = returned.recipients[0] if returned.recipients else returned.sender
            terminal.say(f"  {who}, {each.event or returned.subject} ({returned.place})", "dim")
    show_mails(terminal, (each.matched.returned for each in every if _is_no_report(each)), names)


def _is_no_report(each: MatchedBounce) -> bool:
    return each.matched.returned.nature is not Nature.REPORT and not each.event


@dataclass(frozen=True, slots=True)
class ReplyLine:
    """A reply of a person that waits. Its text is not here."""

    name: str
    event: str
    at: datetime

    def words(self) -> str:
        """Return the name, the day and the event."""
        return ", ".join(filter(None, (self.name or "?", day_in_words(self.at.astimezone(ZONE)), self.event)))


@dataclass(frozen=True, slots=True)
class MailboxReport:
    """The results of reading the mailbox. Pairs begin with the event and the person's name."""

    mails: int
    too_large: int
    automatic: int
    answers: Sequence[tuple[str, str, Answer]]
    strays: Sequence[tuple[str, str, Stray]]
    doubts: Sequence[tuple[str, KeptSignup]]
    bounces: Sequence[tuple[str, str, Bounce]]
    settled: Sequence[tuple[str, Finding]]
    in_doubt: int
    replies: Sequence[ReplyLine]
    opt_outs: Sequence[ReplyLine]


def how_words(how: str) -> str:
    """Return why a message that was in doubt counts as sent."""
    words = {
        "sent": _("it is in the folder with sent mail"),
        "report": _("a delivery report is about it"),
        "reply": _("somebody answered it"),
    }
    return words.get(how, how)


def show_came(terminal: Terminal, came: MailboxReport, about: str) -> None:
    """Print what the mailbox brought, the answers first."""
    words = ngettext("%(n)d new mail about our mailings.", "%(n)d new mails about our mailings.", came.mails)
    terminal.say(words % {"n": came.mails}, "bold")
    for event, name, answer in came.answers:
        terminal.say(f"  {_at(event, about)}{with_comment(f'{name}: {answer_words(answer.answer)}', answer.comment)}")
    for event, name, stray in came.strays:
        terminal.say(f"{_at(event, about)}{stray_words(stray, name).strip()}", "warning")
    for event, row in came.doubts:
        show_doubts(terminal, event, [row])
    for event, name, bounce in came.bounces:
        words = (
            _("%(name)s: came back (%(reply)s)") if bounce.verdict != "delayed" else _("%(name)s: delayed (%(reply)s)")
        )
        terminal.say(f"  {_at(event, about)}{words % {'name': name, 'reply': bounce.reply}}", "warning")
    for name, each in came.settled:
        words = _("%(mailing)s, %(name)s: was in doubt and counts as sent, %(why)s")
        terminal.say(
            "  " + words % {"mailing": shown_name(each.round.mailing), "name": name, "why": how_words(each.how)}
        )
    _show_numbers(terminal, came)
    for line in came.opt_outs:
        terminal.say(_("No more invitations, please") + f": {line.words()}", "warning")
        terminal.say(f'    mkwmail skip "{line.name or "NAME"}" --reason "{UNSUBSCRIBE}"')
    if came.replies:
        count = len(came.replies)
        words = ngettext("%(n)d reply to read:", "%(n)d replies to read:", count) % {"n": count}
        terminal.say(words, "warning")
        _show_lines(terminal, came.replies)


def _show_numbers(terminal: Terminal, came: MailboxReport) -> None:
    if came.automatic:
        words = ngettext("%(n)d automatic reply, not counted", "%(n)d automatic replies, not counted", came.automatic)
        terminal.say("  " + words % {"n": came.automatic}, "dim")
    if came.too_large:
        words = ngettext(
            "%(n)d mail is larger than 10 MB: read it yourself",
            "%(n)d mails are larger than 10 MB: read them yourself",
            came.too_large,
        )
        terminal.say("  " + words % {"n": came.too_large}, "warning")
    if came.in_doubt:
        words = ngettext(
            "%(n)d mail stays in doubt: it was not found in the mailbox, which proves nothing",
            "%(n)d mails stay in doubt: they were not found in the mailbox, which proves nothing",
            came.in_doubt,
        )
        terminal.say("  " + words % {"n": came.in_doubt}, "warning")


def _show_lines(terminal: Terminal, lines: Iterable[ReplyLine]) -> None:
    for line in lines:
        terminal.say(f"  {line.words()}")


def _at(event: str, about: str) -> str:
    return "" if about else f"{event}: "


def came_value(came: MailboxReport) -> dict[str, Any]:
    """Return what the mailbox brought as JSON values. It holds no text of a mail."""
    return {
        "mails": came.mails,
        "too_large": came.too_large,
        "automatic": came.automatic,
        "in_doubt": came.in_doubt,
        "answers": [
            {"event": event, "member": name, "answer": each.answer, "given": each.given.isoformat()}
            for event, name, each in came.answers
        ],
        "to_look_at": [
            {"event": event, "member": name, "address": each.address, "answer": each.answer}
            for event, name, each in came.strays
        ]
        + [
            {"event": event, "member": each.name, "address": each.address, "answer": each.answer, "doubt": each.doubt}
            for event, each in came.doubts
        ],
        "bounces": [
            {"event": event, "member": name, "verdict": str(each.verdict), "reply": each.reply}
            for event, name, each in came.bounces
        ],
        "settled": [
            {"event": each.round.event, "mailing": each.round.mailing, "member": name, "found": each.how}
            for name, each in came.settled
        ],
        "replies": [_line_value(each) for each in came.replies],
        "opt_outs": [_line_value(each) for each in came.opt_outs],
    }


def _line_value(line: ReplyLine) -> dict[str, str]:
    return {"event": line.event, "member": line.name, "at": line.at.isoformat()}


# For `due`


def replies_wait(count: int, answers: int, bounces: int) -> Notice:
    """Return the notice that people wrote replies that nobody has read yet.

    :param answers: how many answers this run found. ``bounces``: how many mails came back.
    """
    words = {"n": count}
    return Notice(
        name="replies",
        code=ExitCode.OK,
        said=ngettext("%(n)d reply waits to be read", "%(n)d replies wait to be read", count) % words,
        dutch=("Er ligt 1 reactie" if count == 1 else f"Er liggen {count} reacties")
        + f" op antwoord te wachten. In deze ronde: {answers} antwoorden verwerkt, {bounces} mails teruggekomen.",
        remedy="mkwmail inbox",
    )


def mailbox_unread(error: UserError, since: datetime) -> Notice:
    """Return the notice that the mailbox cannot be read; mails are sent all the same."""
    fault = error.faults[0]
    return Notice(
        name="mailbox",
        code=ExitCode.OK,
        said=_("the mailbox cannot be read since %(moment)s; mails are sent all the same")
        % {"moment": day_and_time(since)},
        dutch=f"De mailbox kan niet worden gelezen sinds {date_in_words(since.astimezone(ZONE).date())}. "
        "Goedgekeurde mails worden gewoon verstuurd; een herinnering wacht na twee dagen.",
        remedy="mkwmail inbox",
        details=(str(fault),),
        quoted=True,
    )


def reminder_waits(event: Event, mailing: str, since: datetime) -> Notice:
    """Return the notice that a reminder waits, because answers may be in a mailbox that cannot be read."""
    return Notice(
        name=f"unread:{event.id}:{mailing}",
        code=ExitCode.SETTINGS,
        said=_("%(event)s: %(mailing)s waits: the mailbox cannot be read since %(moment)s, and may hold answers")
        % {"event": event.id, "mailing": shown_name(mailing), "moment": day_and_time(since)},
        dutch=f"{begin(what_of(event, mailing))} wacht: de mailbox kan al twee dagen niet worden gelezen, en er kunnen "
        "antwoorden in staan. Kijk zelf in de mailbox, en verstuur de mail daarna met de hand.",
        remedy=send_command(event.id, mailing),
    )
