"""Imported bounces for the user: those that count and those only listed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mkwmail.config.kinds import typed_name
from mkwmail.i18n import _, ngettext
from mkwmail.report.saved_mail import show_mails
from mkwmail.report.terminal import Terminal
from mkwmail.responses.bounce_text import Verdict
from mkwmail.responses.bounces import How, Matched, Nature


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
            terminal.say(f"  {each.name} <{message.address}>, {message.mailing}{sure}: {returned.reply}")


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
