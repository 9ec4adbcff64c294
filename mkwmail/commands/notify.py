"""Reports of what ``due`` found, on standard error and by mail.

A matter is reported once, and then once a day while it lasts.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

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
from mkwmail.mail.mime import notice
from mkwmail.planning.schedule import day_begins
from mkwmail.report.notices import KEPT, Notice


@dataclass(frozen=True, slots=True)
class Telling:
    """The matters to report now, on standard error and by mail."""

    said: tuple[Notice, ...]
    mailed: tuple[Notice, ...]


def to_tell(matters: Sequence[Notice], reported: Mapping[str, Reported], hours: Hours, now: datetime) -> Telling:
    """Select the matters that are new or were last told on an earlier day."""

    def is_due(matter: Notice, last: datetime | None) -> bool:
        if last is None:
            return True
        earlier_day = last.astimezone(ZONE).date() < now.astimezone(ZONE).date()
        return not matter.once and earlier_day and day_begins(hours, now)

    nothing = Reported(None, None, None)
    said = tuple(each for each in matters if is_due(each, reported.get(each.name, nothing).said))
    mailed = tuple(each for each in matters if is_due(each, reported.get(each.name, nothing).mailed))
    return Telling(said, mailed)


def told_now(ledger: Ledger, settings: Settings | None, matters: Sequence[Notice], now: datetime) -> Telling:
    """Select the matters to report in this run, given earlier reports."""
    return to_tell(matters, runs.reported(ledger.database), settings.hours if settings else Hours(), now)


def tell(
    invocation: Invocation, folder: WorkingFolder, settings: Settings | None, ledger: Ledger, telling: Telling
) -> None:
    """Print and mail the matters to report, and record that.

    If the mail fails, the next run tries it again.
    """
    now = invocation.clock.now()
    for matter in telling.said:
        _say(invocation, matter)
    runs.note_reported(ledger.database, [each.name for each in telling.said], now)
    if not telling.mailed or settings is None:
        return
    if any(matter.code is ExitCode.LOGIN for matter in telling.mailed):
        # The mail would need the same login, and a login that fails every half hour gets locked.
        failure: str | None = _("it is the login that fails")
    else:
        failure = _mailed(invocation, folder, settings, telling.mailed)
    if failure is None:
        runs.note_reported(ledger.database, [each.name for each in telling.mailed], now, mailed=True)
    elif telling.said:
        words = {"address": _recipient(settings), "why": failure}
        invocation.terminal.note(_("%(address)s could not be told by mail: %(why)s") % words, "yellow")


def forget(ledger: Ledger, matters: Sequence[Notice]) -> None:
    """Record that these are all current matters.

    Others are over; if they come back, they are new.
    """
    there = {each.name for each in matters}
    over = [name for name in runs.reported(ledger.database) if name not in there and not name.startswith(KEPT)]
    runs.forget_reported(ledger.database, over)


def _say(invocation: Invocation, matter: Notice) -> None:
    invocation.terminal.note(matter.said)
    for detail in matter.details:
        invocation.terminal.note(f"      {detail}")
    if matter.remedy:
        invocation.terminal.note(f"    → {matter.remedy}")


def _recipient(settings: Settings) -> str:
    return settings.report_to or settings.sender.email


def _mailed(invocation: Invocation, folder: WorkingFolder, settings: Settings, matters: Sequence[Notice]) -> str | None:
    """Mail the matters in one message; return the error, or None.

    It is not a mailing: the ledger does not record it.
    """
    to = _recipient(settings)
    domain = settings.sender.email.rpartition("@")[2]
    subject, lines = notice_text(folder, matters)
    name = f"{secrets.token_hex(16)}@{domain}"
    message = notice(settings.sender, to, subject, lines, name, invocation.clock.now())
    try:
        smtp = server_of(settings, invocation.shifted)
        if not smtp.on_loopback and (is_example(to.rpartition("@")[2]) or is_example(domain)):
            return _("it is an address for examples")
        connect = partial(open_session, smtp, credential_for(smtp, folder.path))
        session = connect()
    except UserError as error:
        return error.faults[0].fault
    try:
        replies = [reply for _message, reply in session.submit(iter([message]), lambda begun: True)]
    finally:
        session.close()
    if not replies:
        return _("the connection ended")
    # If it is in doubt, one report too few is better than one every half hour.
    return None if meaning(replies[0]) in (Meaning.SENT, Meaning.IN_DOUBT) else str(replies[0])


def notice_text(folder: WorkingFolder, matters: Sequence[Notice]) -> tuple[str, tuple[str, ...]]:
    """Return the subject and the lines of the mail, in Dutch."""
    asking = sum(not each.once for each in matters)
    subject = "mkwmail: ter informatie"
    if asking:
        subject = "mkwmail: er vraagt iets om aandacht" if asking == 1 else f"mkwmail: {asking} dingen te doen"
    lines = [f"Dit meldt mkwmail over de map {folder.path}.", ""]
    for matter in matters:
        lines.append(f"- {matter.dutch}")
        lines += [f"    {detail}" for detail in matter.details if matter.quoted]
        if matter.remedy:
            lines.append(f"  Opdracht: {matter.remedy}")
        lines.append("")
    if asking:
        lines += ["Zolang er iets te doen is, komt dit bericht een keer per dag.", ""]
    lines.append("Hoe het ervoor staat: mkwmail status")
    return subject, tuple(lines)
