"""``preview``: the mails as they will be sent, in the terminal or as files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mkwmail.commands.choice import chosen_mailing
from mkwmail.commands.composing import Mailbag, Outgoing, composer_of, correcting_of, variants
from mkwmail.commands.invocation import Invocation
from mkwmail.commands.leafing import leaf_through
from mkwmail.commands.mails import write_mails
from mkwmail.commands.outputs import write_output
from mkwmail.commands.pages import Page, show_in_browser
from mkwmail.commands.who import Candidate, find_person
from mkwmail.commands.workplace import (
    Roll,
    Sources,
    call_roll,
    history_of,
    moment_of,
    open_ledger,
    plan_for,
    presumed,
    read_sources,
)
from mkwmail.dutch.names import full_name
from mkwmail.errors import ExitCode
from mkwmail.language import _, ngettext
from mkwmail.report.faults import fault_lines, fault_values
from mkwmail.report.mail import MailView, mail_value, mail_view, show_mail
from mkwmail.report.people import entry_values
from mkwmail.report.plan import entries, show_left_out, show_title
from mkwmail.report.terminal import Terminal
from mkwmail.report.words import mails
from mkwmail.sending.plan import Listing, Plan, Planned
from mkwmail.sources.folder import WorkingFolder
from mkwmail.sources.read import Read


@dataclass(frozen=True, slots=True)
class Files:
    """Where else the mails are to be shown: a folder of ``.eml`` files, a page as a file or in the browser.

    ``one_per_letter``: the page has one mail of each variant, without anybody's name or address.
    """

    eml: Path | None = None
    html: Path | None = None
    browser: bool = False
    one_per_letter: bool = False


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is previewed; ``why_not``: it would not go to this member, and this is only how it would look."""

    plan: Plan
    outgoing: Mailbag
    why_not: str = ""


def preview(
    invocation: Invocation,
    event: str,
    mailing: str | None,
    *,
    member: str | None = None,
    files: Files = Files(),
    json: bool = False,
) -> ExitCode:
    """Show a mailing's mails, presuming that what is planned before it has gone."""
    sources = read_sources(invocation, event)
    terminal, now = invocation.terminal, invocation.clock.now()
    with open_ledger(invocation, sources.folder) as ledger:
        roll = call_roll(sources.members.members, ledger.identify)
        history = history_of(ledger, sources.event)
        name = chosen_mailing(sources.event, mailing, roll, history, now, "preview")
        history = correcting_of(sources, name, ledger, history)
        moment = moment_of(sources.event, name, now)
        past = presumed(sources.event, name, roll, history, moment)
        made, why_not = _narrowed(plan_for(sources.event, name, roll, past, moment), roll, member)
        outgoing = composer_of(sources, name, ledger.secret, history).outgoing(made, history, ledger)
    shown = _Shown(made, outgoing, why_not)
    page = Page(Read(sources.event, sources.warnings), name, outgoing, moment)
    _write(terminal, sources.folder, page, files)
    if json:
        terminal.document(_document(sources, shown, [mail_view(each.message(moment)) for each in outgoing]))
    elif files == Files():
        _show(terminal, sources, shown, moment)
    return ExitCode.OK


def _write(terminal: Terminal, folder: WorkingFolder, page: Page, files: Files) -> None:
    if files.eml is not None:
        people = [(_name(each), each.message(page.moment).data) for each in page.outgoing]
        count = write_mails(folder, files.eml, people)
        terminal.note(_("Wrote %(mails)s in %(folder)s") % {"mails": mails(count), "folder": files.eml})
    if files.html is not None:
        write_output(folder, files.html, page.html(files.one_per_letter).encode(), f"{page.mailing}.html")
        terminal.note(_("Wrote the page %(file)s; open it in a browser") % {"file": files.html})
    if files.browser:
        path = show_in_browser(folder, page.html(files.one_per_letter))
        terminal.note(_("The page is in your browser; if it is not, open %(file)s") % {"file": path})


def _name(each: Outgoing) -> str:
    return full_name(each.planned.member.name) or each.planned.member.email


def _narrowed(made: Plan, roll: Roll, who: str | None) -> tuple[Plan, str]:
    """The plan for one member, or for all; where it is for nobody, for the first to show how it would look."""
    listing: Listing | None = None
    if who is not None:
        listing = _listing_of(who, roll)
    elif not made.to_send and roll.listings:
        listing = roll.listings[0]
    if listing is None:
        return made, ""
    key = listing.person
    planned = tuple(each for each in made.to_send if each.person == key)
    if planned:
        return replace(made, to_send=planned), ""
    left_out = (*made.skipped, *made.already, *made.refused, *made.in_doubt, *made.expired)
    reason = next((each.reason for each in left_out if each.person == key), "")
    return replace(made, to_send=(Planned(key, listing.member),)), reason


def _listing_of(who: str, roll: Roll) -> Listing:
    candidates = [
        Candidate(
            each.person,
            full_name(each.member.name),
            each.member.email,
            each.member.organisation,
            each.member.number,
        )
        for each in roll.listings
    ]
    key = find_person(who, candidates).key
    return next(each for each in roll.listings if each.person == key)


def show_variants(terminal: Terminal, outgoing: Mailbag, moment: datetime) -> int:
    """Print the first mail of each letter; how many letters there are."""
    found = variants(outgoing)
    for number, (each, count) in enumerate(found, start=1):
        terminal.say()
        if len(found) > 1:
            words = {"number": number, "of": len(found), "mails": mails(count)}
            terminal.say(_("Variant %(number)d of %(of)d (%(mails)s)") % words, "bold")
        show_mail(terminal, mail_view(each.message(moment)))
    return len(found)


def _show(terminal: Terminal, sources: Sources, shown: _Shown, moment: datetime) -> None:
    show_title(terminal, sources.event, shown.plan.round.mailing)
    leafing = terminal.leafable and len(shown.outgoing) > 1
    if not leafing:
        show_variants(terminal, shown.outgoing, moment)
        terminal.say()
    if shown.why_not:
        words = {"name": _name(shown.outgoing[0]), "reason": shown.why_not}
        terminal.say(_("%(name)s would not get this mail: %(reason)s") % words, "yellow")
    elif len(shown.outgoing) > 1:
        all_of_them = mails(len(shown.outgoing))
        count = len(variants(shown.outgoing))
        in_all = ngettext("%(mails)s in %(n)d variant", "%(mails)s in %(n)d variants", count)
        terminal.say(in_all % {"mails": all_of_them, "n": count}, "bold")
        show_left_out(terminal, shown.plan)
        terminal.say(_("Another member's mail: add --member NAME; all of them in one page: --browser"), "dim")
    for line in fault_lines(sources.warnings):
        terminal.note(line, "yellow")
    if leafing:
        leaf_through(terminal, shown.outgoing, moment)


def _document(sources: Sources, shown: _Shown, views: Sequence[MailView]) -> dict[str, Any]:
    return {
        "event": sources.event.id,
        "mailing": shown.plan.round.mailing,
        "mails": [mail_value(view) for view in views],
        "skipped": entry_values(entries((*shown.plan.skipped, *shown.plan.already))),
        "would_not_go": shown.why_not,
        "warnings": fault_values(sources.warnings),
    }
