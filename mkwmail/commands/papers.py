"""``papers``: certificates of attendance, and the sheets for the day, as PDF files in ``papers/``."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mkwmail.clock import day_in_words
from mkwmail.commands.context import (
    Invocation,
    Sources,
    certificates_of,
    event_of,
    history_of,
    open_ledger,
    read_sources,
)
from mkwmail.commands.output import replace_file
from mkwmail.commands.prompts import candidates, find_person
from mkwmail.config.event import Event
from mkwmail.dutch.names import Name, full_name, sort_key, sorting_name
from mkwmail.errors import ExitCode, user_error
from mkwmail.files import make_folder, writing
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, people, responses
from mkwmail.ledger.deliveries import KeptCertificate
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.people import Person, is_mark
from mkwmail.mail.templates import Templates
from mkwmail.members.headings import column_name
from mkwmail.members.member_list import Member
from mkwmail.members.names import read_name
from mkwmail.papers.certificates import file_name, number_of, paper_name
from mkwmail.papers.sheets import FILES, UNLISTED, Day, Participant, Sheet, made, totals, without_addresses
from mkwmail.papers.typesetting import TypesettingError
from mkwmail.planning.audience import History, were_there
from mkwmail.planning.member_index import MemberIndex, identify_members
from mkwmail.report.terminal import Terminal
from mkwmail.responses.answers import last_signups, numbers_of

CERTIFICATES = "certificates"
_LISTED = frozenset(("", "nee", "n", "no", "0", "false", "onwaar", "-"))


def papers(invocation: Invocation, event: str, which: str | None, *, member: str | None = None) -> ExitCode:
    """Make the certificates or a sheet of an event; without a name, all sheets.

    :param member: only this person's certificate.
    :raises UserError: if something is missing or cannot be set; code USAGE without any participants.
    """
    if member is not None and which != CERTIFICATES:
        fault = _("--member goes with certificates only")
        raise user_error("", fault, f"mkwmail papers {event} {CERTIFICATES} --member {member}", code=ExitCode.USAGE)
    sources = read_sources(invocation, event, skip_faulty=True)
    with open_ledger(invocation, sources.folder) as ledger:
        index = identify_members(sources.members.members, ledger.identify)
        history = history_of(ledger, sources.event)
        if which == CERTIFICATES:
            _certificates(invocation, sources, ledger, index, history, member)
        else:
            day = _day(invocation, sources, ledger, index, history)
            for sheet in [Sheet(which)] if which else list(Sheet):
                _sheet(invocation, sources, sheet, day)
    return ExitCode.OK


def _directory(sources: Sources) -> Path:
    """Return the event's directory in ``papers/``; make it if it does not exist.

    :raises UserError: if it cannot be made.
    """
    top = sources.folder.papers_dir
    directory = top / sources.event.id
    with writing(directory):
        for each in (top, directory):
            if each.is_symlink():
                fault = _("this is a link, and papers with people's names must stay in the working folder")
                raise user_error(str(each), fault, _("remove the link"), code=ExitCode.USAGE)
            make_folder(each)
    return directory


# Certificates


def _certificates(
    invocation: Invocation, sources: Sources, ledger: Ledger, index: MemberIndex, history: History, member: str | None
) -> None:
    event, now, terminal = sources.event, invocation.clock.now(), invocation.terminal
    if event.certificate is None:
        remedy = _("write in its file: certificate: {hours: 4, signed_by: …}")
        raise user_error(sources.shown_event, _("the event has no certificate"), remedy)
    templates = Templates(sources.folder.template_folders)
    certificates = certificates_of(sources, ledger, history, templates, now)
    everyone = {key: one for key, one in _everyone(ledger, index, history)}
    if member is not None:
        known = people.persons(ledger.database)
        chosen = find_person(member, candidates(index, known))
        key = chosen.key
        if not certificates.example and history.answers.get(key) != "present":
            fault = _("%(name)s is not recorded as present") % {"name": chosen.name or chosen.address}
            remedy = _("if that is wrong: mkwmail answers set %(event)s %(who)s present")
            raise user_error("", fault, remedy % {"event": event.id, "who": member}, code=ExitCode.USAGE)
        # A person who has left the list, and never answered, is known to the register only.
        left = Member(0, read_name(chosen.name), chosen.address, chosen.organisation)
        everyone = {key: everyone.get(key, left)}
    elif certificates.example:
        everyone = dict(list(everyone.items())[:1])
    listed = {each.person for each in (*index.listings, *history.guests, *history.unaddressed)}
    found = certificates.of(list(everyone.items()), left=everyone.keys() - listed)
    if certificates.example:
        for fault_of_one in dict.fromkeys(certificates.try_out(list(everyone.items()))):
            terminal.note(str(fault_of_one), "warning")
    else:
        certificates.keep(ledger.database, found, {})
    written = None
    for person, file in found.items():
        number = number_of(ledger.secret, event.id, person)
        name = paper_name(_file_word(sorting_name(everyone[person].name)), number)
        written = _directory(sources) / (f"voorbeeld {file_name(event)}" if certificates.example else name)
        replace_file(written, certificates.made[file.sha256])
    if written is None:
        return
    words = {"n": len(found), "folder": sources.folder.shown(written.parent), "file": sources.folder.shown(written)}
    if certificates.example:
        terminal.say(_("The day is still to come. This is an example: %(file)s") % words)
    elif len(found) == 1:
        terminal.say(_("Wrote %(file)s") % words)
    else:
        said = ngettext("Wrote %(n)d certificate in %(folder)s", "Wrote %(n)d certificates in %(folder)s", len(found))
        terminal.say(said % words)


def _everyone(ledger: Ledger, index: MemberIndex, history: History) -> Iterator[tuple[str, Member]]:
    """Yield everybody who may have been present: members, guests, and those who have left the list since."""
    here: set[str] = set()
    for each in (*index.listings, *history.guests, *history.unaddressed):
        if each.person not in here:
            here.add(each.person)
            yield each.person, each.member
    for person in people.persons(ledger.database):
        if person.key not in here and person.key in history.answers and not is_mark(person.address):
            yield person.key, Member(0, read_name(person.name), "", person.organisation)


def _file_word(text: str) -> str:
    """Return a name as a part of a file's name on any system."""
    return " ".join(re.sub(r'[\\/:*?"<>|\x00-\x1f]', " ", text).split()).strip(". ")[:80] or "onbekend"


def list_certificates(invocation: Invocation, event: str | None, *, json: bool = False) -> ExitCode:
    """Print the certificates that were made for an event: number, name, and date.

    :raises UserError: code USAGE without an event.
    """
    if event is None:
        fault = _("--certificates lists one event: add its name")
        raise user_error("", fault, "mkwmail status EVENT --certificates", code=ExitCode.USAGE)
    folder, about = event_of(invocation, event)
    with open_ledger(invocation, folder) as ledger:
        made_for = deliveries.certificates(ledger.database, about.id)
        persons = {each.key: each for each in people.persons(ledger.database)}
    found = [(each, persons[person]) for person, each in made_for.items() if person in persons]
    found.sort(key=lambda pair: sort_key(read_name(pair[1].name)))
    show_certificates(invocation.terminal, about, found, json=json)
    return ExitCode.OK


# Sheets


def _sheet(invocation: Invocation, sources: Sources, sheet: Sheet, day: Day) -> None:
    path = _directory(sources) / f"{FILES[sheet]}.pdf"
    try:
        paper = made(sheet, day)
    except TypesettingError as error:
        raise user_error(sheet.value, _("the sheet cannot be made: %(reason)s"), reason=error.reason) from None
    replace_file(path, paper.pdf)
    if paper.missing:
        said = _("%(file)s: its font lacks these characters, shown as ?: %(letters)s")
        words = {"file": sources.folder.shown(path), "letters": " ".join(paper.missing)}
        invocation.terminal.note(said % words, "warning")
    invocation.terminal.say(_("Wrote %(file)s") % {"file": sources.folder.shown(path)})


def _day(invocation: Invocation, sources: Sources, ledger: Ledger, index: MemberIndex, history: History) -> Day:
    """Return who comes, or was there, and the totals."""
    event, database = sources.event, ledger.database
    rows = responses.signups(database, event.id)
    last = last_signups(rows)
    coming = were_there(history.answers)
    along = {person: row.companions for person, row in last.items()}

    def participant(person: str, member: Member) -> Participant:
        unlisted = member.columns.get(column_name(UNLISTED), "").strip().casefold() not in _LISTED
        name = member.name if full_name(member.name) else Name(written=member.organisation or "Naam onbekend")
        return without_addresses(Participant(name, member.organisation, along.get(person, 0), unlisted))

    members = {each.person: each.member for each in index.listings if history.answers.get(each.person) in coming}
    others = {
        person: member
        for person, member in _everyone(ledger, index, history)
        if person not in members and history.answers.get(person) in coming
    }
    unsettled = [
        without_addresses(Participant(read_name(row.name or row.organisation or "Naam onbekend"), row.organisation))
        for row in rows
        if row.doubt and row.answer not in ("declined", "absent")
    ]
    if not (members or others or unsettled):
        remedy = _("import the sign-ups first: mkwmail answers import %(event)s FILE")
        raise user_error("", _("nobody has signed up for %(event)s yet"), remedy, code=ExitCode.USAGE, event=event.id)
    optional = [item.title for item in event.programme if item.optional]
    numbers = numbers_of(rows, history.answers, optional)
    parts = {title: numbers.parts.get(title, 0) for title in optional}
    names = {row.name.strip() for row in rows} | {full_name(one.member.name) for one in index.listings}
    return Day(
        event,
        sources.settings.association or "",
        tuple(participant(*each) for each in members.items()),
        tuple(participant(*each) for each in others.items()),
        tuple(unsettled),
        totals(numbers.coming, numbers.companions, parts, numbers.dietary, names),
        invocation.clock.now(),
    )


def show_certificates(
    terminal: Terminal, event: Event, found: Sequence[tuple[KeptCertificate, Person]], *, json: bool
) -> None:
    """Print the certificates in this order, or one JSON document."""
    if json:
        values = [
            {"number": each.number, "name": person.name, "date": each.at.date().isoformat(), "sha256": each.sha256}
            for each, person in found
        ]
        terminal.document({"event": event.id, "certificates": values})
        return
    if not found:
        terminal.say(_("No certificates were made for %(event)s.") % {"event": event.id})
        return
    terminal.say(_("Certificates of %(title)s: %(n)d") % {"title": event.title, "n": len(found)}, "bold")
    rows = [[each.number, person.name, person.organisation, day_in_words(each.at)] for each, person in found]
    terminal.table([_("Number"), _("Name"), _("Organisation"), _("Made on")], rows)
