"""``answers``: import the answers to an event from calendar replies, and list all answers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mkwmail.addresses import address_key
from mkwmail.commands.context import Invocation, folder_of, open_ledger, read_roll
from mkwmail.commands.output import write_output
from mkwmail.commands.prompts import Candidate
from mkwmail.commands.signups import import_signups, mailed_at
from mkwmail.config.event import Event
from mkwmail.config.event_file import read_event
from mkwmail.dutch.names import Name, sort_key
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, people, responses
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Batch
from mkwmail.ledger.people import Person, code_for
from mkwmail.mail.calendar_part import entry_uid
from mkwmail.mail.icalendar import CalendarReply
from mkwmail.planning.roll import MemberIndex
from mkwmail.report.answers import AnswerLine, Answers, answer_words, answers_csv, answers_value, show_answers
from mkwmail.responses.answers import numbers_of, questions
from mkwmail.responses.calendar_replies import Asked, Understood, replies_in, understood
from mkwmail.responses.saved_mail import read_saved

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
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    replies = _replies(file)
    with open_ledger(invocation, folder) as ledger:
        found = understood(replies, _asked(about, ledger), responses.answers(ledger.database, about.id))
        now = invocation.clock.now()
        if not dry_run:
            if found.answers:
                batch = Batch(file.name or str(file), tuple(found.answers))
                responses.record_batch(ledger.database, about.id, batch, now)
            responses.record_strays(ledger.database, about.id, found.strays, now)
        names = {person.key: person.name or person.address for person in people.persons(ledger.database)}
    for line in _import_lines(found, names):
        invocation.terminal.say(line)
    if dry_run:
        invocation.terminal.note(_("Nothing was recorded (--dry-run)."))
    return ExitCode.OK


def _import_lines(found: Understood, names: dict[str, str]) -> Iterator[str]:
    for each in found.answers:
        yield f"  {names.get(each.person, '')}: {each.answer}"
    count = len(found.answers)
    yield ngettext("%(n)d answer recorded.", "%(n)d answers recorded.", count) % {"n": count}
    for stray in found.strays:
        words = {
            "address": stray.address,
            "answer": answer_words(stray.answer),
            "name": names.get(stray.person or "", "?"),
        }
        yield _("To look at: %(address)s answered %(answer)s to the entry of %(name)s") % words
    if found.known:
        known = ngettext("%(n)d says nothing new.", "%(n)d say nothing new.", found.known)
        yield known % {"n": found.known}
    if found.foreign:
        foreign = ngettext("%(n)d is about another event.", "%(n)d are about other events.", found.foreign)
        yield foreign % {"n": found.foreign}


def _replies(file: Path) -> list[CalendarReply]:
    """Read every calendar reply in a file or folder.

    :raises UserError: with everything that cannot be read, all at once.
    """
    faults: list[Fault] = []
    replies: list[CalendarReply] = []
    texts = 0
    for place, data in _texts(file):
        texts += 1
        try:
            replies += replies_in(data)
        except ValueError as error:
            faults.append(Fault(place, str(error), _("save the answer again, as .eml or .ics")))
    if not replies and not faults:
        fault = _("no calendar answered in it") if texts else _("there is no mail or calendar file in it")
        remedy = _("save the mails with members' answers as .eml, and name one of them or their folder")
        faults.append(Fault(str(file), fault, remedy))
    if faults:
        raise UserError(*faults)
    return replies


def _texts(file: Path) -> Iterator[tuple[str, bytes]]:
    calendars = [file] if file.suffix.casefold() == ".ics" else sorted(file.rglob("*.ics")) if file.is_dir() else []
    for path in calendars:
        try:
            yield str(path), path.read_bytes()
        except OSError as error:
            fault = _("cannot be read: %(why)s") % {"why": reason_of(error)}
            raise UserError(Fault(str(path), fault)) from None
    if calendars == [file] or (calendars and not any(file.rglob("*.eml"))):
        return
    for mail in read_saved((file,)):
        yield mail.place, mail.data


def _asked(event: Event, ledger: Ledger) -> Asked:
    persons = people.persons(ledger.database)
    made = deliveries.of_event(ledger.database, event.id)
    told = {each.person for each in made}
    addresses = {address: person.key for person in persons for address in person.former}
    addresses |= {person.address: person.key for person in persons}
    # The register may spell the address that was mailed differently.
    addresses |= {address_key(each.address): each.person for each in made}
    own = {entry_uid(ledger.secret, event.id, key): key for key in told}
    return Asked(own, entry_uid(ledger.secret, event.id), addresses)


def candidates(roll: MemberIndex, persons: tuple[Person, ...]) -> list[Candidate]:
    """Return everybody whom WHO can mean.

    The list as it is now comes first, then the rest of the register.
    """
    here = [Candidate(each.person, each.name, each.address, each.member.organisation) for each in roll.listings]
    numbered = {each.person: each.member.number for each in roll.listings}
    gone = [each for each in persons if each.key not in numbered]
    return [
        *(replace(each, number=numbered[each.key]) for each in here),
        *(Candidate(each.key, each.name, mailed_at(each), each.organisation, each.number) for each in gone),
    ]


def list_answers(invocation: Invocation, event: str, *, json: bool = False, csv: Path | None = None) -> ExitCode:
    """Print the answers and what needs a look, or write all for Excel.

    :raises UserError: if the file cannot be written.
    """
    if json and csv:
        raise UserError(Fault("", _("--json and --csv exclude each other.")), code=ExitCode.USAGE)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    with open_ledger(invocation, folder) as ledger:
        shown = answers_of(about, ledger, read_roll(folder, ledger))
    if csv is not None:
        write_output(folder, csv, answers_csv(shown), f"{about.id}.csv")
        invocation.terminal.note(_("Wrote %(file)s") % {"file": csv})
    elif json:
        invocation.terminal.document(answers_value(shown))
    else:
        show_answers(invocation.terminal, shown)
    return ExitCode.OK


def answers_of(event: Event, ledger: Ledger, roll: MemberIndex) -> Answers:
    """Return the answers of members, guests, and people who left the list.

    They are sorted by the main word of the name.
    """
    last = {each.person: each for each in responses.answers(ledger.database, event.id)}
    signups = responses.signups(ledger.database, event.id)
    asked = {each.person: each.asked for each in signups if each.person}
    guests = {each.person for each in responses.guests(ledger.database, event.id)}
    lines = []
    for candidate in candidates(roll, people.persons(ledger.database)):
        given = last.get(candidate.key)
        listed_here = candidate.key in {each.person for each in roll.listings}
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
            )
        )
    counted = questions(signups, {person: each.answer for person, each in last.items()})
    unsettled = tuple(row for row in signups if row.doubt)
    lines.sort(key=lambda line: sort_key(Name(written=line.member or line.address)))
    optional = [item.title for item in event.programme if item.optional]
    numbers = numbers_of(signups, {person: each.answer for person, each in last.items()}, optional)
    strays = responses.strays(ledger.database, event.id)
    return Answers(event, tuple(lines), strays, unsettled, counted, numbers)
