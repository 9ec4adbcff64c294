"""``preview``: the mails as they will be sent, or as they were sent.

They are shown in the terminal, or written as ``.eml`` files or as a page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkwmail.clock import day_and_time
from mkwmail.commands.approved_sources import correcting_of
from mkwmail.commands.compose_mailing import Composer, OutgoingMail, OutgoingMails, composer_of, variants
from mkwmail.commands.context import Invocation, Sources, folder_of, history_of, open_ledger, read_sources
from mkwmail.commands.output import show_in_browser, write_mails, write_output
from mkwmail.commands.prompts import Candidate, candidates, find_person
from mkwmail.config.folder import WorkingFolder, id_in
from mkwmail.config.kinds import mailing_words, shown_name
from mkwmail.config.yaml_document import read_document
from mkwmail.dutch.names import full_name
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _, mails, ngettext
from mkwmail.ledger import deliveries, people
from mkwmail.ledger.erasure import NO_LETTER
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import TOLD, Attempt, Round
from mkwmail.ledger.people import person_key
from mkwmail.mail.compose import Composition, worded_files
from mkwmail.mail.letter import Letter, Message
from mkwmail.mail.pages import gallery_page, letters_page
from mkwmail.members.member_list import Member
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.member_index import MemberIndex, by_post, chosen_mailing, identify_members, plan_for
from mkwmail.planning.plan import Plan
from mkwmail.planning.timetable import moment_of, presumed
from mkwmail.report.recipients import (
    MailView,
    entries,
    entry_values,
    mail_value,
    mail_view,
    show_left_out,
    show_mail,
    show_title,
)
from mkwmail.report.terminal import Terminal, fault_lines, fault_values, read_key

if TYPE_CHECKING:
    from mkwmail.mail.letter_view import Passage

_NEXT = frozenset("n \r\n")
_FURTHER = frozenset(" \r\n")
_BACK = frozenset("p\x7f\b")


def leaf_through(terminal: Terminal, outgoing: Sequence[OutgoingMail], moment: datetime) -> None:
    """Show the first mail, then each mail that the user asks for.

    A mail that is longer than the screen is shown from its head on, a screen at a time. Returns when the user stops.
    """
    at = 0
    shown = -1
    rest: Sequence[str] = ()
    while True:
        if at != shown:
            terminal.say()
            rest = terminal.show_screen(_lines_of(terminal, outgoing[at], moment))
            shown = at
        words = {"number": at + 1, "of": len(outgoing)}
        if rest:
            keys = _("Mail %(number)d of %(of)d: space further, n next, p previous, / search, q quit")
        else:
            keys = _("Mail %(number)d of %(of)d: n next, p previous, / search, q quit")
        terminal.note(keys % words, "dim")
        key = read_key()
        if rest and key in _FURTHER and key:
            rest = terminal.show_screen(rest)
        elif key in _NEXT and key:
            at = min(at + 1, len(outgoing) - 1)
        elif key in _BACK and key:
            at = max(at - 1, 0)
        elif key == "/":
            at = _searched(terminal, outgoing, at)
        elif key in ("q", "", "\x1b", "\x04"):
            return


def _lines_of(terminal: Terminal, each: OutgoingMail, moment: datetime) -> Sequence[str]:
    return terminal.drawn(lambda page: show_mail(page, mail_view(each.message(moment))))


def _searched(terminal: Terminal, outgoing: Sequence[OutgoingMail], at: int) -> int:
    """Ask for a member, and return the place of the member's mail. Returns ``at`` if no member is found."""
    word = terminal.ask(_("Name, address or number:"))
    if not word:
        return at
    members = [each.recipient.member for each in outgoing]
    shown = [
        Candidate(str(number), full_name(member.name), member.email, member.organisation, member.number)
        for number, member in enumerate(members)
    ]
    try:
        return int(find_person(word, shown).key)
    except UserError as error:
        for line in fault_lines(error.faults):
            terminal.note(line, "warning")
        return at


@dataclass(frozen=True, slots=True)
class PreviewFiles:
    """Outputs besides the terminal: ``.eml`` files, and a page.

    ``eml``: the folder of the files. ``html``: the file of the page; ``browser``: show the page in the browser.
    ``paper``: the file of the letters for members without an address.
    ``one_per_letter``: the page has one mail of each variant, without anybody's name or address.
    """

    eml: Path | None = None
    html: Path | None = None
    paper: Path | None = None
    browser: bool = False
    one_per_letter: bool = False


@dataclass(frozen=True, slots=True)
class _Shown:
    """The mails to show.

    ``why_not``: the reason if this member would not get the mail, which then only shows how it would look.
    """

    plan: Plan
    outgoing: OutgoingMails
    why_not: str = ""


def preview(
    invocation: Invocation,
    event: str,
    mailing: str | None,
    *,
    member: str | None = None,
    files: PreviewFiles = PreviewFiles(),
    json: bool = False,
) -> ExitCode:
    """Show a mailing's mails, as if earlier mailings had been sent."""
    sources = read_sources(invocation, event)
    terminal, now = invocation.terminal, invocation.clock.now()
    with open_ledger(invocation, sources.folder) as ledger:
        index = identify_members(sources.members.members, ledger.identify)
        history = history_of(ledger, sources.event)
        name = chosen_mailing(sources.event, mailing, index, history, now, "preview")
        history = correcting_of(sources, name, ledger, history)
        moment = moment_of(sources.event, name, now)
        past = presumed(sources.event, name, index, history, moment)
        made, why_not = _narrowed(plan_for(sources.event, name, index, past, moment), index, member)
        composer = composer_of(sources, name, ledger, history, now, moment)
        outgoing = composer.outgoing(made, history, ledger)
        on_paper = by_post(sources.event, name, index, moment) if files.paper is not None else ()
        letters = _letters(sources, name, ledger, history, on_paper, moment, now)
    shown = _Shown(made, outgoing, why_not)
    _write(terminal, sources, outgoing, partial(page_of, sources, composer, outgoing, moment), moment, name, files)
    if files.paper is not None:
        _write_letters(terminal, sources, files.paper, letters)
    if json:
        terminal.document(_document(sources, shown, [mail_view(each.message(moment)) for each in outgoing]))
    elif files == PreviewFiles():
        _show(terminal, sources, shown, moment)
    return ExitCode.OK


def _passages_of(sources: Sources, composer: Composer) -> "tuple[Passage, ...]":
    """Return the lines of the event's file, the settings and the templates that a mailing may be made from."""
    from mkwmail.mail.letter_view import event_passages, settings_passages, template_passages

    folder, context = sources.folder, composer.context
    names = worded_files(context)
    own = [name for name in names if (folder.templates_dir / name).is_file()]
    return (
        *event_passages(read_document(sources.event_path, sources.shown_event), context.event, context.name),
        *settings_passages(read_document(folder.settings_path, folder.shown(folder.settings_path))),
        *template_passages(composer.templates, names, own),
    )


def page_of(
    sources: Sources, composer: Composer, outgoing: OutgoingMails, moment: datetime, one_per_letter: bool = False
) -> str:
    """Return the preview page of a mailing, dated ``moment``.

    ``one_per_letter``: one mail of each variant, without anybody's name or address.
    """
    mails = tuple(outgoing)
    return gallery_page(
        Composition(tuple(each.addressed for each in mails), tuple(each.addressed.letter for each in mails)),
        title=f"{sources.event.title}: {mailing_words(composer.context.name)}",
        moment=moment,
        message_ids={each.recipient.person: each.message_id for each in mails},
        form=sources.settings.form,
        warnings=tuple(map(str, sources.warnings)),
        one_per_letter=one_per_letter,
        passages=_passages_of(sources, composer),
    )


def _write(
    terminal: Terminal,
    sources: Sources,
    outgoing: OutgoingMails,
    page: Callable[[bool], str],
    moment: datetime,
    mailing: str,
    files: PreviewFiles,
) -> None:
    folder = sources.folder
    if files.eml is not None:
        count = write_mails(folder, files.eml, [(_name(each), each.message(moment).data) for each in outgoing])
        terminal.note(_("Wrote %(mails)s in %(folder)s") % {"mails": mails(count), "folder": files.eml})
    if files.html is not None:
        write_output(folder, files.html, page(files.one_per_letter).encode(), f"{mailing}.html")
        terminal.note(_("Wrote the page %(file)s; open it in a browser") % {"file": files.html})
    if files.browser:
        path = show_in_browser(folder, page(files.one_per_letter))
        terminal.note(_("The page is in your browser; if it is not, open %(file)s") % {"file": path})


def _letters(
    sources: Sources,
    mailing: str,
    ledger: Ledger,
    history: History,
    members: Sequence[Member],
    moment: datetime,
    now: datetime,
) -> tuple[tuple[Member, Message], ...]:
    """Return a letter on paper for each of these members, from the mailing's own template."""
    if not members:
        return ()
    planned = tuple(Recipient(_key_on_paper(ledger.secret, member), member) for member in members)
    composer = composer_of(sources, mailing, ledger, history, now, moment)
    composer = replace(composer, context=replace(composer.context, printed=True))
    composition = composer.compose(planned, history, ledger.secret)
    return tuple((each.addressee.member, each.message("", moment, composer.content)) for each in composition.addressed)


def _key_on_paper(secret: bytes, member: Member) -> str:
    """Return a key from which the code in the member's sign-up link follows: only this member has it."""
    return person_key(secret, f"{full_name(member.name)}\n{member.organisation}\n{member.number}")


def _write_letters(terminal: Terminal, sources: Sources, path: Path, letters: Sequence[tuple[Member, Message]]) -> None:
    # Also without letters, so that those of an earlier list are not printed.
    page = letters_page(letters, sources.event.title)
    write_output(sources.folder, path, page.encode(), "brieven.html")
    if not letters:
        terminal.note(_("No letter to print: everybody who should get this mailing has a mail address"))
        return
    wrote = ngettext(
        "Wrote %(n)d letter in %(file)s; open it in a browser and print it",
        "Wrote %(n)d letters in %(file)s, a page for each; open it in a browser and print it",
        len(letters),
    )
    terminal.note(wrote % {"n": len(letters), "file": path})


def _name(each: OutgoingMail) -> str:
    return each.recipient.name or each.recipient.address


def _narrowed(made: Plan, index: MemberIndex, who: str | None) -> tuple[Plan, str]:
    """Return the plan for one member or for all.

    If the plan is empty, it is for the first member, to show how the mail would look. The text says why the member
    would not get the mail.
    """
    listing: Recipient | None = None
    if who is not None:
        listing = _listing_of(who, index)
    elif not made.to_send and index.listings:
        listing = index.listings[0]
    if listing is None:
        return made, ""
    key = listing.person
    planned = tuple(each for each in made.to_send if each.person == key)
    if planned:
        return replace(made, to_send=planned), ""
    left_out = (*made.skipped, *made.already, *made.refused, *made.in_doubt, *made.expired)
    reason = next((each.reason for each in left_out if each.person == key), "")
    return replace(made, to_send=(listing,)), reason


def _listing_of(who: str, index: MemberIndex) -> Recipient:
    key = find_person(who, candidates(index)).key
    return next(each for each in index.everybody if each.person == key)


def show_variants(terminal: Terminal, outgoing: OutgoingMails, moment: datetime) -> int:
    """Print the first mail of each letter; return the number of letters."""
    found = variants(outgoing)
    for number, (each, count) in enumerate(found, start=1):
        terminal.say()
        if len(found) > 1:
            words = {"number": number, "of": len(found), "mails": mails(count)}
            terminal.say(_("Variant %(number)d of %(of)d (%(mails)s)") % words, "bold")
        show_mail(terminal, mail_view(each.message(moment)))
    return len(found)


def _show(terminal: Terminal, sources: Sources, shown: _Shown, moment: datetime) -> None:
    show_title(terminal, sources.event, mailing_words(shown.plan.round.mailing))
    several = len(shown.outgoing) > 1
    if terminal.leafable and (several or terminal.overflows(_lines_of(terminal, shown.outgoing[0], moment))):
        leaf_through(terminal, shown.outgoing, moment)
    else:
        show_variants(terminal, shown.outgoing, moment)
    terminal.say()
    if shown.why_not:
        words = {"name": _name(shown.outgoing[0]), "reason": shown.why_not}
        terminal.say(_("%(name)s would not get this mail: %(reason)s") % words, "warning")
    elif several:
        all_of_them = mails(len(shown.outgoing))
        count = len(variants(shown.outgoing))
        in_all = ngettext("%(mails)s in %(n)d variant", "%(mails)s in %(n)d variants", count)
        terminal.say(in_all % {"mails": all_of_them, "n": count}, "bold")
        show_left_out(terminal, shown.plan)
        terminal.say(_("Another member's mail: add --member NAME; all of them in one page: --browser"), "dim")
    for line in fault_lines(sources.warnings):
        terminal.note(line, "warning")


def _document(sources: Sources, shown: _Shown, views: Sequence[MailView]) -> dict[str, Any]:
    return {
        "event": sources.event.id,
        "mailing": shown.plan.round.mailing,
        "mails": [mail_value(view) for view in views],
        "skipped": entry_values(entries((*shown.plan.skipped, *shown.plan.already))),
        "would_not_go": shown.why_not,
        "warnings": fault_values(sources.warnings),
    }


def preview_sent(
    invocation: Invocation, event: str, mailing: str, who: str, *, eml: Path | None = None, json: bool = False
) -> ExitCode:
    """Show the mail that a member was sent.

    Changes to the event, the templates and the list since then make no difference.

    :raises UserError: code USAGE if the member was not sent this mailing.
    """
    terminal = invocation.terminal
    folder = folder_of(invocation)
    with open_ledger(invocation, folder) as ledger:
        attempts = _attempts(ledger, _event_id(folder, event), mailing, who)
        messages = [(attempt, _message(ledger, attempt)) for attempt in attempts]
    if eml is not None:
        written = write_mails(folder, eml, ((attempt.address, message.data) for attempt, message in messages))
        terminal.note(_("Wrote %(mails)s in %(folder)s") % {"mails": mails(written), "folder": eml})
    if json:
        terminal.document({"mails": [mail_value(mail_view(message)) for _attempt, message in messages]})
    elif eml is None:
        for attempt, message in messages:
            words = {"moment": day_and_time(attempt.claimed), "address": attempt.address}
            terminal.say(_("Sent on %(moment)s to %(address)s:") % words, "bold")
            terminal.say()
            show_mail(terminal, mail_view(message))
    return ExitCode.OK


def _event_id(folder: WorkingFolder, word: str) -> str:
    """Return the event's id. A word without an event file, such as that of a deleted event, is taken for an id."""
    try:
        path = folder.event_path(word, whole=True)
    except UserError:
        return word
    return id_in(path) or word


def _attempts(ledger: Ledger, event: str, mailing: str, who: str) -> list[Attempt]:
    """Return the mails that the member was, or may have been, sent.

    A mailing has several if there were several editions.
    """
    persons = {person.key: person for person in people.persons(ledger.database)}
    rounds: dict[str, list[Round]] = {}
    known = []
    for delivery in deliveries.of_event(ledger.database, event):
        if delivery.round.mailing != mailing or delivery.state not in TOLD:
            continue
        person = persons.get(delivery.person)
        rounds.setdefault(delivery.person, []).append(delivery.round)
        name, organisation, number = (person.name, person.organisation, person.number) if person else ("", "", "")
        known.append(Candidate(delivery.person, name, delivery.address, organisation, number))
    if not known:
        fault = _("nobody was sent %(mailing)s of %(event)s") % {"mailing": shown_name(mailing), "event": event}
        raise user_error("", fault, f"mkwmail status {event}", code=ExitCode.USAGE)
    key = find_person(who, known).key
    return [deliveries.attempts(ledger.database, of, key)[-1] for of in rounds[key]]


def _message(ledger: Ledger, attempt: Attempt) -> Message:
    if attempt.letter == NO_LETTER and not attempt.digest:
        fault = _("the ledger was restored from a backup made before this mail: what was sent is not known")
        raise user_error("", fault, code=ExitCode.USAGE)
    if attempt.letter == NO_LETTER:
        fault = _("what was sent on %(day)s has been removed since (forget or purge)")
        raise user_error("", fault, code=ExitCode.USAGE, day=day_and_time(attempt.claimed))
    message = Letter.load(deliveries.letter(ledger.database, attempt.letter)).address(
        attempt.values, partial(deliveries.file, ledger.database)
    )
    if attempt.digest != message.digest:
        fault = _("the ledger's copy of the mail to %(address)s is not what was sent") % {"address": attempt.address}
        raise user_error("", fault, _("restore the ledger from a backup"), code=ExitCode.LEDGER_FAULT)
    return message
