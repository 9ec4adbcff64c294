"""Saved mails and bounces for the user.

Every file that an import was given has a line; bounces that count are shown apart from those only listed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mkwmail.clock import day_in_words
from mkwmail.config.kinds import shown_name, typed_name
from mkwmail.i18n import _, ngettext
from mkwmail.ledger.models import Answer, KeptSignup
from mkwmail.mail.compose import UNSUBSCRIBE
from mkwmail.report.answers import answer_words, stray_words, with_comment
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
