"""What ``check`` asks of others: the mail server about itself and the sender, name servers about the domain."""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime

from mkwmail.commands.guard import server_of
from mkwmail.commands.invocation import Invocation
from mkwmail.commands.workplace import Sources
from mkwmail.errors import Fault
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.moments import moment_from
from mkwmail.report.findings import Checked
from mkwmail.report.words import duration, mails
from mkwmail.sending import pace as pacing
from mkwmail.sending.domain import name_server, standing
from mkwmail.sending.smtp_client import ServerFacts, probe
from mkwmail.sending.smtp_replies import Meaning, meaning, run_fault
from mkwmail.signin.credential import credential_for
from mkwmail.sizes import size
from mkwmail.sources.kinds import latest_of
from mkwmail.sources.settings import Pace

Facts = tuple[tuple[str, str], ...]
NAME_SERVER = "MKWMAIL_NAME_SERVER"


def ask_server(invocation: Invocation, sources: Sources, largest: int) -> tuple[Facts, list[Fault]]:
    """Log in, and hear what the server takes. Nothing is sent.

    :raises UserError: where there is no session to be had.
    """
    smtp = server_of(sources.settings, invocation.shifted)
    sender = sources.settings.sender.email
    told = probe(smtp, credential_for(smtp, sources.folder.path), sender)
    faults = [*_too_large(told, largest), *sender_faults(told, sender)]
    return _words_of(told), faults


def ask_domain(sources: Sources, selector: str | None) -> tuple[Facts, tuple[Fault, ...]]:
    """How the sender's domain stands in the DNS.

    :raises UserError: code SERVER where no name server answers.
    """
    domain = sources.settings.sender.email.rpartition("@")[2]
    host = sources.settings.smtp.host if sources.settings.smtp else ""
    found = standing(domain, selector, host, name_server(os.environ.get(NAME_SERVER)))
    return (("SPF", found.spf), ("DKIM", found.dkim), ("DMARC", found.dmarc)), found.faults


def quota(sources: Sources, ledger: Ledger, mailings: Iterable[Checked], now: datetime) -> tuple[Facts, list[Fault]]:
    """Until when the pace lets the mailings that are due, or else the next one, take."""
    pace = sources.settings.pace
    due = [each for each in mailings if each.left]
    ahead = [each for each in mailings if each.ahead and each.count and each.send]
    facts, faults = [], []
    for each in due or ahead[:1]:
        start = now if each.left else each.send or now
        count = each.left or each.count
        moments = ledger.sent_times(start - pacing.LONGEST_WINDOW)
        done = pacing.done_at(pace, moments, count, start)
        facts.append((each.mailing, _in_words(pace, count, moment_from(now, done))))
        if done > latest_of(sources.event, each.mailing):
            fault = _("at this pace %(mailing)s is not done before its latest moment") % {"mailing": each.mailing}
            remedy = _("mail earlier, or ask the provider for a higher limit and set pace")
            faults.append(Fault("mkwmail.yaml", fault, remedy))
    return tuple(facts), faults


def _in_words(pace: Pace, count: int, moment: str) -> str:
    limits = [
        _("%(count)d a minute") % {"count": pace.per_minute} if pace.per_minute else "",
        _("%(count)d an hour") % {"count": pace.per_hour} if pace.per_hour else "",
        _("%(count)d a day") % {"count": pace.per_day} if pace.per_day else "",
        _batches(pace),
    ]
    how_fast = ", ".join(filter(None, limits))
    if not how_fast:
        return _("%(mails)s, as fast as the server takes them") % {"mails": mails(count)}
    words = {"mails": mails(count), "pace": how_fast, "moment": moment}
    return _("%(mails)s at %(pace)s: done at %(moment)s") % words


def _batches(pace: Pace) -> str:
    if not pace.batch or not pace.pause:
        return ""
    words = {"count": pace.batch, "pause": duration(pace.pause)}
    return _("%(count)d at a time, with %(pause)s between") % words


def _words_of(told: ServerFacts) -> Facts:
    logged_in = _("logged in") if told.logged_in else _("no login asked for")
    encrypted = told.tls or _("not encrypted")
    limit = size(told.size) if told.size else _("no fixed limit")
    return (
        (_("Server"), f"{told.host}:{told.port}, {encrypted}, {logged_in}"),
        (_("Largest mail"), limit),
    )


def _too_large(told: ServerFacts, largest: int) -> Iterator[Fault]:
    if told.size and largest > told.size:
        fault = _("the server takes mails up to %(limit)s, and these have %(size)s")
        words = {"limit": size(told.size), "size": size(largest)}
        yield Fault(told.host, fault % words, _("make the attachments smaller, or link to them"))


def sender_faults(told: ServerFacts, sender: str) -> tuple[Fault, ...]:
    """What the server has against mail from a sender."""
    match meaning(told.sender):
        case Meaning.RUN:
            stops = run_fault(told.sender)
            return (Fault(told.host, stops.reason, stops.remedy),)
        case Meaning.REFUSED:
            words = {"sender": sender, "reply": str(told.sender)}
            fault = _("the server refuses a mail from %(sender)s to itself: %(reply)s") % words
            return (Fault(told.host, fault, _("check sender: email and smtp: username in mkwmail.yaml")),)
        case _:
            # Not now is no word about this sender.
            return ()
