"""Reports of what ``due`` found, on standard error and by mail.

A notice is reported once, and then once a day while it lasts.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mkwmail.addresses import is_example
from mkwmail.auth.credentials import credential_for
from mkwmail.clock import ZONE
from mkwmail.commands.context import Invocation, server_of
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.settings import Hours, Settings
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.smtp_replies import Meaning, meaning
from mkwmail.errors import ExitCode, UserError
from mkwmail.i18n import _
from mkwmail.ledger import runs
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Reported
from mkwmail.mail.letter import Message
from mkwmail.mail.mime import notice
from mkwmail.planning.schedule import day_begins
from mkwmail.report.notices import KEPT, Notice


@dataclass(frozen=True, slots=True)
class NoticesToSend:
    """The notices to report now, on standard error and by mail."""

    said: tuple[Notice, ...]
    mailed: tuple[Notice, ...]


def to_tell(notices: Sequence[Notice], reported: Mapping[str, Reported], hours: Hours, now: datetime) -> NoticesToSend:
    """Select the notices that are new or were last told on an earlier day."""

    def is_due(notice: Notice, last: datetime | None) -> bool:
        if last is None:
            return True
        earlier_day = last.astimezone(ZONE).date() < now.astimezone(ZONE).date()
        return not notice.once and earlier_day and day_begins(hours, now)

    nothing = Reported(None, None, None)
    said = tuple(each for each in notices if is_due(each, reported.get(each.name, nothing).said))
    mailed = tuple(each for each in notices if is_due(each, reported.get(each.name, nothing).mailed))
    return NoticesToSend(said, mailed)


def told_now(ledger: Ledger, settings: Settings | None, notices: Sequence[Notice], now: datetime) -> NoticesToSend:
    """Select the notices to report in this run, given earlier reports."""
    return to_tell(notices, runs.reported(ledger.database), settings.hours if settings else Hours(), now)


def tell(
    invocation: Invocation, folder: WorkingFolder, settings: Settings | None, ledger: Ledger, chosen: NoticesToSend
) -> None:
    """Print and mail the notices to report, and record that.

    If the mail fails, the next run tries it again.
    """
    now = invocation.clock.now()
    for each in chosen.said:
        _say(invocation, each)
    runs.note_reported(ledger.database, [each.name for each in chosen.said], now)
    if not chosen.mailed or settings is None:
        return
    if any(notice.code is ExitCode.LOGIN for notice in chosen.mailed):
        # The mail would need the same login, and a login that fails every half hour gets locked.
        failures = dict.fromkeys(_recipients(settings), _("it is the login that fails"))
    else:
        failures = _mailed(invocation, folder, settings, chosen.mailed)
    # One who cannot be reached must not bring the others the same mail every half hour.
    if len(failures) < len(_recipients(settings)):
        runs.note_reported(ledger.database, [each.name for each in chosen.mailed], now, mailed=True)
    elif not chosen.said:
        return
    for address, why in failures.items():
        words = {"address": address, "why": why}
        invocation.terminal.note(_("%(address)s could not be notified by mail: %(why)s") % words, "warning")


def record_current(ledger: Ledger, notices: Sequence[Notice]) -> None:
    """Record that these are all current notices.

    Others are over; if they come back, they are new.
    """
    there = {each.name for each in notices}
    over = [name for name in runs.reported(ledger.database) if name not in there and not name.startswith(KEPT)]
    runs.forget_reported(ledger.database, over)


def _say(invocation: Invocation, notice: Notice) -> None:
    invocation.terminal.note(notice.said)
    for detail in notice.details:
        invocation.terminal.note(f"      {detail}")
    if notice.remedy:
        invocation.terminal.note(f"    → {notice.remedy}")


def _recipients(settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys(settings.report_to)) or (settings.sender.email,)


def _mailed(
    invocation: Invocation, folder: WorkingFolder, settings: Settings, notices: Sequence[Notice]
) -> dict[str, str]:
    """Mail the notices, each recipient a message of their own; return address → error of those that failed.

    It is not a mailing: the ledger does not record it.
    """
    recipients, domain = _recipients(settings), settings.sender.email.rpartition("@")[2]
    subject, lines = notice_text(folder, notices)
    failures: dict[str, str] = {}
    for to in recipients:
        name = f"{secrets.token_hex(16)}@{domain}"
        message = notice(settings.sender, to, subject, lines, name, invocation.clock.now())
        try:
            failure = _submitted(invocation, folder, settings, message)
        except UserError as error:
            failure = error.faults[0].fault
        if failure is not None:
            failures[to] = failure
    return failures


def _submitted(invocation: Invocation, folder: WorkingFolder, settings: Settings, message: Message) -> str | None:
    """Mail one message over a connection of its own; return the error, or None.

    :raises UserError: if there is no connection.
    """
    smtp = server_of(settings, invocation.shifted)
    domains = (address.rpartition("@")[2] for address in (message.sender, message.recipient))
    if not smtp.on_loopback and any(map(is_example, domains)):
        return _("it is an address for examples")
    session = open_session(smtp, credential_for(smtp, folder.path))
    try:
        replies = [reply for _message, reply in session.submit(iter([message]), lambda begun: True)]
    finally:
        session.close()
    if not replies:
        return _("the connection ended")
    # If it is in doubt, one report too few is better than one every half hour.
    return None if meaning(replies[0]) in (Meaning.SENT, Meaning.IN_DOUBT) else str(replies[0])


def notice_text(folder: WorkingFolder, notices: Sequence[Notice]) -> tuple[str, tuple[str, ...]]:
    """Return the subject and the lines of the mail, in Dutch."""
    asking = sum(not each.once for each in notices)
    subject = "mkwmail: ter informatie"
    if asking:
        subject = "mkwmail: er vraagt iets om aandacht" if asking == 1 else f"mkwmail: {asking} dingen te doen"
    lines = [f"Dit meldt mkwmail over de map {folder.path}.", ""]
    for each in notices:
        lines.append(f"- {each.dutch}")
        lines += [f"    {detail}" for detail in each.details if each.quoted]
        if each.remedy:
            lines.append(f"  Opdracht: {each.remedy}")
        lines.append("")
    if asking:
        lines += ["Zolang er iets te doen is, komt dit bericht een keer per dag.", ""]
    lines.append("Hoe het ervoor staat: mkwmail status")
    return subject, tuple(lines)
