"""The mail that came into the mailbox, for the screen and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mkwmail.clock import ZONE, day_and_time, day_in_words
from mkwmail.config.event import Event
from mkwmail.config.kinds import send_command, shown_name
from mkwmail.dutch.dates import date_in_words
from mkwmail.errors import ExitCode, UserError
from mkwmail.i18n import _, ngettext
from mkwmail.ledger.mailbox import Finding
from mkwmail.ledger.models import Answer, Bounce, KeptSignup, Stray
from mkwmail.mail.compose import UNSUBSCRIBE
from mkwmail.report.answers import answer_words, stray_words, with_comment
from mkwmail.report.notices import Notice, begin, what_of
from mkwmail.report.saved_mail import show_doubts
from mkwmail.report.terminal import Terminal


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
