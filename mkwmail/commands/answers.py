"""``answers``: import the answers to an event from calendar replies, and list all answers."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mkwmail.addresses import address_key
from mkwmail.commands.bounces import names_by_address
from mkwmail.commands.context import Invocation, event_of, open_ledger, read_member_index
from mkwmail.commands.output import write_output
from mkwmail.commands.prompts import candidates
from mkwmail.commands.signups import import_signups
from mkwmail.config.event import Event
from mkwmail.config.folder import WorkingFolder
from mkwmail.dutch.names import Name, sort_key
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.i18n import _
from mkwmail.ledger import deliveries, erasure, people, responses, rounds
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Batch, KeptSignup, code_for
from mkwmail.mail.calendar_part import entry_uid
from mkwmail.mail.icalendar import CalendarReply
from mkwmail.members.names import read_name
from mkwmail.planning.member_index import MemberIndex
from mkwmail.report.answers import AnswerLine, Answers, answers_csv, answers_value, show_answers
from mkwmail.report.incoming import HeardIn, show_doubts, show_mails, show_replies, show_unread
from mkwmail.responses.answers import numbers_of, questions
from mkwmail.responses.bounces import Nature, Returned, read_returned
from mkwmail.responses.calendar_replies import Asked, replies_in, understood
from mkwmail.responses.incoming import ByMail, Incoming, Kind, Ours, answers_by_mail, read_incoming
from mkwmail.responses.saved_mail import MAIL_ENDINGS, Saved, read_saved
from mkwmail.responses.signup_changes import BY_MAIL, SAID

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls")


def import_answers(
    invocation: Invocation, event: str, file: Path, *, dry_run: bool = False, yes: bool = False
) -> ExitCode:
    """Import a sign-up form's export, or calendar replies.

    The replies are in a mail, in a calendar file, or in a folder of them.

    :param dry_run: show what would be recorded, and record nothing.
    :param yes: record it without asking.

    :raises UserError: if nothing can be read there.
    """
    if file.suffix.casefold() in TABLES:
        return import_signups(invocation, event, file, dry_run=dry_run, yes=yes)
    if file.is_file() and file.suffix.casefold() not in MAIL_ENDINGS:
        fault = _("answers are not read from a file of this kind")
        raise user_error(str(file), fault, _("save sign-ups as .xlsx or .csv, and a mail as .eml or .msg"))
    folder, about = event_of(invocation, event)
    with open_ledger(invocation, folder) as ledger:
        now = invocation.clock.now()
        replies, mails, others, saved = _read_mails(file, our_mails(ledger))
        recorded = responses.answers(ledger.database, about.id)
        asked = calendar_asked(about.id, ledger, assisted(folder, ledger))
        found = understood([reply for _place, reply in replies], asked, recorded)
        by_mail = answers_by_mail(mails, our_mails(ledger), {about.id: recorded}, now)
        written = by_mail.answers.get(about.id, [])
        if not dry_run:
            rows = rows_of(ledger, about.id, by_mail)
            if found.answers or rows:
                batch = Batch(file.name or str(file), (*found.answers, *written), rows)
                responses.record_batch(ledger.database, about.id, batch, now)
            responses.record_strays(ledger.database, about.id, found.strays, now)
        persons = people.persons(ledger.database)
    names = {person.key: person.name or person.address for person in persons}
    heard = {each.reply: each for each in found.heard}
    came = [HeardIn(place, heard[reply], names.get(heard[reply].person or "", "")) for place, reply in replies]
    show_replies(invocation.terminal, about.id, came, [(names.get(each.person, ""), each) for each in written])
    show_doubts(invocation.terminal, about.id, by_mail.doubts(about.id))
    show_mails(invocation.terminal, others, names_by_address(persons))
    show_unread(invocation.terminal, saved)
    if dry_run:
        invocation.terminal.note(_("Nothing was recorded (--dry-run)."))
    is_useful = replies or mails or file.is_dir() or any(each.nature is Nature.OPT_OUT for each in others)
    if not is_useful:
        fault = _("mkwmail can record no answer from this mail")
        remedy = _("read it; if somebody answers in it: mkwmail answers set %(event)s NAME ja, nee or misschien")
        raise user_error(str(file), fault, remedy, event=about.id)
    return ExitCode.FAULTY_FILE if saved.unread else ExitCode.OK


def _read_mails(
    file: Path, ours: Ours
) -> tuple[list[tuple[str, CalendarReply]], list[Incoming], list[Returned], Saved]:
    """Read every calendar reply and every answer by mail in a file or folder, and the other mails.

    A reply is in the list once, with the first of its files.

    :raises UserError: if nothing can be read.
    """
    saved = read_saved((file,))
    faults = list(saved.unread)
    replies: dict[CalendarReply, str] = {}
    others: list[Returned] = []
    answers: dict[str, Incoming] = {}
    for mail in saved.mails:
        try:
            found = replies_in(mail.data)
        except ValueError as error:
            faults.append(Fault(mail.place, str(error), _("save the answer again, as .eml or .ics")))
            continue
        for reply in found:
            replies.setdefault(reply, mail.place)
        if found:
            continue
        read = read_incoming(mail.data, mail.place, ours)
        if read.kind is Kind.ANSWER:
            answers[read.digest] = read
        else:
            others += read_returned(mail)
    if faults and not (replies or answers or others):
        raise UserError(*faults)
    came = [(place, reply) for reply, place in replies.items()]
    return came, list(answers.values()), others, replace(saved, unread=tuple(faults))


def assisted(folder: WorkingFolder, ledger: Ledger) -> Mapping[str, tuple[str, ...]]:
    """Return the address key of each assistant → the members; empty if the list cannot be read."""
    try:
        index = read_member_index(folder, ledger)
    except UserError:
        return {}
    return {each.member.address_key: tuple(of.person for of in each.copy_of) for each in index.assistants}


def calendar_asked(event: str, ledger: Ledger, assistants: Mapping[str, tuple[str, ...]]) -> Asked:
    """Return the calendar entries of an event that were sent, and who may answer for whom."""
    persons = people.persons(ledger.database)
    made = deliveries.of_event(ledger.database, event)
    told = {each.person for each in made}
    addresses = {address: person.key for person in persons for address in person.former}
    # The register may spell the address that was mailed differently, and knows who has it now.
    addresses |= {address_key(each.address): each.person for each in made}
    addresses |= {person.address: person.key for person in persons}
    own = {entry_uid(ledger.secret, event, key): key for key in told}
    return Asked(own, entry_uid(ledger.secret, event), addresses, assistants)


def rows_of(ledger: Ledger, event: str, found: ByMail) -> tuple[KeptSignup, ...]:
    """Return the rows to keep of answers by mail; a clear answer settles the doubt about an earlier mail."""
    rows = found.rows.get(event, ())
    clear = {each.person for each in found.answers.get(event, ())}
    kept = responses.signups(ledger.database, event)
    known = {each.key for each in kept}
    settled = [
        replace(each, person=each.maybe[0], doubt="", maybe=())
        for each in kept
        if each.key.startswith(BY_MAIL) and each.doubt and len(each.maybe) == 1 and each.maybe[0] in clear
    ]
    return (*settled, *(each for each in rows if not (each.doubt and each.key in known)))


def our_mails(ledger: Ledger) -> Ours:
    """Return all by which a mail can refer to ours; events whose data were removed have none."""
    gone = set(erasure.purged(ledger.database))
    events = [each for each in rounds.events(ledger.database) if each not in gone]
    messages: dict[str, tuple[str, str]] = {}
    told: dict[str, tuple[str, str]] = {}
    for mail in deliveries.sent_mails(ledger.database):
        if mail.round.event in gone:
            continue
        messages[mail.message_id.strip("<>")] = (mail.round.event, mail.person)
        told[code_for(ledger.secret, mail.round.event, mail.person)] = (mail.round.event, mail.person)
    asked = [calendar_asked(event, ledger, {}).addresses for event in events]
    names = {each.key: each.name or each.address for each in people.persons(ledger.database)}
    return Ours(messages, told, {key: person for each in asked for key, person in each.items()}, names)


def list_answers(invocation: Invocation, event: str, *, json: bool = False, csv: Path | None = None) -> ExitCode:
    """Print the answers and what needs a look, or write all for Excel.

    :raises UserError: if the file cannot be written.
    """
    if json and csv:
        raise user_error("", _("--json and --csv cannot be used together."), code=ExitCode.USAGE)
    folder, about = event_of(invocation, event)
    with open_ledger(invocation, folder) as ledger:
        shown = answers_of(about, ledger, read_member_index(folder, ledger))
    if csv is not None:
        write_output(folder, csv, answers_csv(shown), f"{about.id}.csv")
        invocation.terminal.note(_("Wrote %(file)s") % {"file": csv})
    elif json:
        invocation.terminal.document(answers_value(shown))
    else:
        with invocation.terminal.paged():
            show_answers(invocation.terminal, shown)
    return ExitCode.OK


def answers_of(event: Event, ledger: Ledger, index: MemberIndex) -> Answers:
    """Return the answers of members, guests, and people who left the list.

    They are sorted by the main word of the name.
    """
    last = {each.person: each for each in responses.answers(ledger.database, event.id)}
    signups = responses.signups(ledger.database, event.id)
    asked = {each.person: each.asked for each in signups if each.person}
    guests = {each.person for each in responses.guests(ledger.database, event.id)}
    lines = []
    for candidate in candidates(index, people.persons(ledger.database)):
        given = last.get(candidate.key)
        listed_here = candidate.key in {each.person for each in index.listings}
        if given is None and not listed_here:
            continue
        lines.append(
            AnswerLine(
                member=candidate.name,
                address=candidate.address,
                organisation=candidate.organisation,
                answer=given.answer if given else "",
                source=given.source if given else "",
                given=given.given if given else None,
                code=code_for(ledger.secret, event.id, candidate.key),
                guest=candidate.key in guests and not listed_here,
                asked=asked.get(candidate.key, {}),
                comment=given.comment if given else "",
            )
        )
    counted = questions(signups, {person: each.answer for person, each in last.items()})
    unsettled = tuple(row for row in signups if row.doubt)
    lines.sort(key=lambda line: sort_key(read_name(line.member) if line.member else Name(written=line.address)))
    optional = [item.title for item in event.programme if item.optional]
    numbers = numbers_of(signups, {person: each.answer for person, each in last.items()}, optional)
    # A secretary's record after a calendar's answer settles it.
    strays = [
        each
        for each in responses.strays(ledger.database, event.id)
        if not (mine := last.get(each.person or "")) or mine.source != SAID or mine.given < each.given
    ]
    return Answers(event, tuple(lines), tuple(strays), unsettled, counted, numbers)
