"""``answers``: import, record and list the answers to an event.

The answers come from a sign-up form's export, from calendar replies, or from the secretary.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mkwmail.addresses import address_key, mailable
from mkwmail.commands.context import Invocation, folder_of, open_ledger, read_roll
from mkwmail.commands.output import write_output
from mkwmail.commands.prompts import Candidate, find_person
from mkwmail.config.event import Event
from mkwmail.config.event_file import read_event
from mkwmail.dutch.names import Name, sort_key
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, people, responses
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Answer, Guest, KeptSignup
from mkwmail.ledger.people import NEW, Listed, Person, code_for, folded
from mkwmail.mail.calendar_part import entry_uid
from mkwmail.mail.icalendar import CalendarReply
from mkwmail.members.names import read_name
from mkwmail.planning.roll import MemberIndex, listed
from mkwmail.report.answers import (
    AnswerLine,
    Answers,
    answer_words,
    answers_csv,
    answers_value,
    show_answers,
    show_import,
)
from mkwmail.report.terminal import Terminal
from mkwmail.responses.answers import Answered, questions, said_answer
from mkwmail.responses.calendar_replies import Asked, Understood, replies_in, understood
from mkwmail.responses.saved_mail import read_saved
from mkwmail.responses.signup_changes import SAID, SOURCE, Changes, changes, kept_signup
from mkwmail.responses.signup_matching import Invited, Match, alike, match_signups
from mkwmail.responses.signups import Export, read_signups

#: Domain of a guest without an address in the register: no mail can reach it (RFC 2606 §2).
_NO_ADDRESS = "guest.invalid"
_ASKED_ONE_BY_ONE = 10  # rows missing from an export; more of them mean another form, or another year

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls")


def import_signups(invocation: Invocation, event: str, file: Path) -> ExitCode:
    """Import a sign-up form's export and record what is new in it.

    Doubtful rows are asked about in a terminal; otherwise they are kept in a list.

    :raises UserError: if the export or the member list cannot be read; nothing is recorded then.
    """
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    terminal, now = invocation.terminal, invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        roll = read_roll(folder, ledger)
        everybody = invited(about, roll, ledger)
        optional = [item.title for item in about.programme if item.optional]
        export = read_signups(file, str(file), [each.code for each in everybody if each.code], optional)
        found, settled = _decided(terminal, about, export, everybody, ledger)
        gone = _asked_about_missing(terminal, found.missing)
        _record(_Import(about, ledger, roll, found, gone, settled, now))
        left = [each for each in responses.signups(ledger.database, about.id) if each.doubt]
    show_import(terminal, about.id, export, found, gone, len(left))
    return ExitCode.OK


def mailed_at(person: Person) -> str:
    """Return a person's address, or an empty string for a guest without one."""
    return "" if person.address.endswith(f"@{_NO_ADDRESS}") else person.address


def invited(event: Event, roll: MemberIndex, ledger: Ledger) -> tuple[Invited, ...]:
    """Return everybody whose sign-up an export can contain.

    These are the members, the guests of earlier exports, and persons who have left the list since they were mailed.
    """
    former = {person.key: person.former for person in people.persons(ledger.database)}
    members = [
        Invited(
            key=each.person,
            name=each.name,
            addresses=(each.address, *former.get(each.person, ())),
            organisation=each.member.organisation,
            number=each.member.number,
            code=code_for(ledger.secret, event.id, each.person),
        )
        for each in roll.listings
        if not each.doubt
    ]
    known = {each.key for each in members}
    guests = [
        Invited(
            each.person,
            each.name,
            (each.address,) if each.address else (),
            each.organisation,
            code=code_for(ledger.secret, event.id, each.person),
        )
        for each in responses.guests(ledger.database, event.id)
        if each.person not in known
    ]
    known |= {each.key for each in guests}
    # People who were mailed and have left the list since may still have signed up.
    gone = [
        Invited(
            each.key,
            each.name,
            (each.address, *each.former),
            each.organisation,
            each.number,
            code_for(ledger.secret, event.id, each.key),
        )
        for each in people.persons(ledger.database)
        if each.key not in known and mailed_at(each)
    ]
    return (*members, *guests, *gone)


def _decided(
    terminal: Terminal, event: Event, export: Export, everybody: Sequence[Invited], ledger: Ledger
) -> tuple[Changes, Mapping[str, str]]:
    """Return the changes in the export, after questions in a terminal.

    The second value maps the keys of the rows that were settled to the keys of their persons; empty for a guest.
    """
    matches = match_signups(export.signups, everybody)
    kept, by_key = responses.signups(ledger.database, event.id), {each.key: each for each in everybody}
    held = {each.person: each for each in responses.answers(ledger.database, event.id)}
    found = changes(matches, kept, held, by_key)
    if not (found.doubtful and terminal.interactive):
        return found, {}
    settled = dict(_asked_about(terminal, found.doubtful))
    return changes(matches, kept, held, by_key, settled), settled


def _asked_about(terminal: Terminal, doubtful: Sequence[Match]) -> Iterator[tuple[str, str]]:
    """Ask whose each doubtful row is; yield row key and person key.

    The person key is empty for a guest.
    """
    for match in doubtful:
        signup = match.signup
        if signup.answer is None:
            terminal.note(_("Row %(row)d, %(who)s: %(doubt)s") % _words(match), "yellow")
            terminal.note(_("  To be settled by: mkwmail answers set"), "dim")
            continue
        terminal.note(_("Row %(row)d, %(who)s (%(answer)s): %(doubt)s") % _words(match), "yellow")
        for number, person in enumerate(match.candidates, start=1):
            address = f" <{person.addresses[0]}>" if person.addresses else ""
            terminal.note(f"  {number}  {person.name}{address}, {person.organisation}")
        said = terminal.ask(_("  Type the number of who it is, g for a guest, Enter to leave it for later:")).casefold()
        if said == "g":
            yield signup.key, ""
        elif said.isdecimal() and 1 <= int(said) <= len(match.candidates):
            yield signup.key, match.candidates[int(said) - 1].key


def _words(match: Match) -> dict[str, object]:
    signup = match.signup
    answer = answer_words(signup.answer) if signup.answer else ""
    return {"row": signup.row, "who": signup.who, "answer": answer, "doubt": match.doubt}


def _asked_about_missing(terminal: Terminal, missing: Sequence[KeptSignup]) -> Mapping[str, bool]:
    """Ask about the rows that are missing from the export.

    Returns row key → True if the person does not come, False if they still do. Undecided rows are left out.
    """
    if not missing or not terminal.interactive:
        return {}
    if len(missing) > _ASKED_ONE_BY_ONE:
        question = _("%(n)d rows of an earlier export are not in this one. Have all of them cancelled? Type yes:")
        words = {"n": len(missing)}
        said = terminal.ask(question % words).casefold() in ("yes", "ja")
        return {each.key: True for each in missing} if said else {}
    found = {}
    for each in missing:
        question = _("%(who)s is not in this export any more. c = cancelled, k = still comes, Enter = later:")
        answer = terminal.ask(question % {"who": each.name or each.address}).casefold()
        # The keys of the English and of the Dutch question.
        if answer in ("c", "a", "k"):
            found[each.key] = answer != "k"
    return found


@dataclass(frozen=True, slots=True)
class _Import:
    event: Event
    ledger: Ledger
    roll: MemberIndex
    found: Changes
    gone: Mapping[str, bool]
    settled: Mapping[str, str]
    now: datetime


def _record(these: _Import) -> None:
    """Record the import.

    Guests come first: answers belong to people who are in the register.
    """
    ledger, event, now, found = these.ledger, these.event.id, these.now, these.found
    keys, guests = _enlisted(these)
    responses.add_guests(ledger.database, event, (*guests, *_departed(these)), now)
    rows: list[KeptSignup] = []
    answers: list[Answer] = []
    for match in found.news:
        if match.person is not None:
            answers += _answer_of(match, match.person.key, now)
            rows.append(kept_signup(match, match.person.key))
    for match in found.guests:
        key = keys.get(match.signup.key)
        if key is None:
            rows.append(kept_signup(match, None, _("it is doubtful who this guest is")))
            continue
        answers += _answer_of(match, key, now)
        rows.append(kept_signup(match, key))
    for match in (*found.same, *(each.match for each in found.stands)):
        if match.person is not None:
            rows.append(kept_signup(match, match.person.key))
    rows += [kept_signup(match, None, match.doubt) for match in found.doubtful]
    # Our own list, edited, is not an export of the form: answers do not identify its rows.
    ours = {match.signup.key for match in _all(found) if match.signup.was is not None and not match.doubt}
    responses.keep_signups(ledger.database, event, [row for row in rows if row.key not in ours], now)
    responses.record_answers(ledger.database, event, answers, now)
    _record_missing(these)


def _departed(these: _Import) -> Iterator[Guest]:
    """Yield people who signed up and have left the list.

    They are guests from now on, so that they hear of changes.
    """
    here = {each.person for each in these.roll.listings}
    here |= {each.person for each in responses.guests(these.ledger.database, these.event.id)}
    for match in (*these.found.news, *these.found.same):
        person = match.person
        if person is not None and person.key not in here and match.signup.answer is not None:
            yield Guest(person.key, person.name, _mailable(person.addresses[0]), person.organisation)


def _all(found: Changes) -> Iterator[Match]:
    yield from (*found.news, *found.same, *found.guests, *found.doubtful, *(each.match for each in found.stands))


def _answer_of(match: Match, person: str, now: datetime) -> Iterator[Answer]:
    signup = match.signup
    if signup.answer is not None:
        # Presence and edits are dated now; a form's answer is dated at the moment it was filled in.
        dated = signup.moment if signup.answer not in (Answered.PRESENT, Answered.ABSENT) else None
        yield Answer(person, signup.answer, SOURCE if signup.was is None else SAID, dated or now)


def _record_missing(these: _Import) -> None:
    answers = []
    rows = []
    for each in these.found.missing:
        cancelled = these.gone.get(each.key)
        if cancelled is None:
            continue
        rows.append(replace(each, gone=these.now, doubt=""))
        if cancelled and each.person is not None:
            answers.append(Answer(each.person, Answered.DECLINED, SOURCE, these.now))
    responses.keep_signups(these.ledger.database, these.event.id, rows, these.now)
    responses.record_answers(these.ledger.database, these.event.id, answers, these.now)


def _enlisted(these: _Import) -> tuple[Mapping[str, str], tuple[Guest, ...]]:
    """Record the new guests in the register, with everybody in the list.

    Returns row key → person key, and the guests. The whole list is needed: a guest who is a member under an earlier
    address must not become a new person, and a member must not look like somebody whose address has gone.
    """
    matches = these.found.guests
    addresses = [_own_address(match.signup.address, these.roll, these.ledger) for match in matches]
    rows = [
        Listed(address or f"{match.signup.key[:16]}@{_NO_ADDRESS}", match.signup.name, match.signup.organisation)
        for match, address in zip(matches, addresses, strict=True)
    ]
    here = listed(these.roll)
    earlier = [
        Listed(each.address or person_address, each.name, each.organisation)
        for each, person_address in _earlier_guests(these.ledger, these.event.id)
    ]
    identified = these.ledger.enlist([*here, *earlier, *rows], these.now)[len(here) + len(earlier) :]
    keys: dict[str, str] = {}
    guests: list[Guest] = []
    members = {each.person for each in these.roll.listings}
    for match, address, who in zip(matches, addresses, identified, strict=True):
        if who.doubt is None:
            keys[match.signup.key] = who.key
            if who.key not in members:
                guests.append(Guest(who.key, match.signup.name, address, match.signup.organisation))
    return keys, tuple(guests)


def _earlier_guests(ledger: Ledger, event: str) -> list[tuple[Guest, str]]:
    addresses = {person.key: person.address for person in people.persons(ledger.database)}
    found = responses.guests(ledger.database, event)
    return [(each, addresses[each.person]) for each in found if each.person in addresses]


def _mailable(address: str) -> str:
    """Return the address as it can be mailed, or an empty string."""
    try:
        return mailable(address) if address else ""
    except ValueError:
        return ""


def _own_address(address: str, roll: MemberIndex, ledger: Ledger) -> str:
    """Return a guest's address as it can be mailed, or an empty string.

    Empty also if it belongs to a member, who signed up a colleague.
    """
    taken = {each.member.address_key for each in roll.listings}
    taken |= {each.address for each in people.persons(ledger.database)}
    return "" if address_key(address) in taken else _mailable(address)


def settle_by_word(event: Event, ledger: Ledger, roll: MemberIndex, row: KeptSignup, answer: str, now: datetime) -> str:
    """Make a doubtful row a guest, as the user says; return the guest's key."""
    address = _own_address(row.address, roll, ledger)
    new = Listed(address or f"{row.key[:16]}@{_NO_ADDRESS}", row.name, row.organisation)
    (*_others, who) = ledger.enlist([*listed(roll), new], now, {address_key(new.address): NEW})
    if who.key not in {each.person for each in roll.listings}:
        responses.add_guests(ledger.database, event.id, [Guest(who.key, row.name, address, row.organisation)], now)
    responses.keep_signups(ledger.database, event.id, [replace(row, person=who.key, doubt="", answer=answer)], now)
    return who.key


def import_answers(invocation: Invocation, event: str, file: Path) -> ExitCode:
    """Import a sign-up form's export, or calendar replies.

    The replies are in a mail, in a calendar file, or in a folder of them.

    :raises UserError: if nothing can be read there.
    """
    if file.suffix.casefold() in TABLES:
        return import_signups(invocation, event, file)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    replies = _replies(file)
    with open_ledger(invocation, folder) as ledger:
        found = understood(replies, _asked(about, ledger), responses.answers(ledger.database, about.id))
        now = invocation.clock.now()
        responses.record_answers(ledger.database, about.id, found.answers, now)
        responses.record_strays(ledger.database, about.id, found.strays, now)
        names = {person.key: person.name or person.address for person in people.persons(ledger.database)}
    for line in _import_lines(found, names):
        invocation.terminal.say(line)
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


def set_answer(invocation: Invocation, event: str, who: str, answer: str) -> ExitCode:
    """Record an answer, or attendance, that the secretary reports.

    A doubtful row of an export becomes a guest.

    :raises UserError: code USAGE unless exactly one person matches, and if the answer is not a known one.
    """
    meant = said_answer(answer)
    if meant is None:
        fault = _('"%(answer)s" is no answer') % {"answer": answer}
        remedy = _("attending (ja), declined (nee), tentative (misschien), present or absent")
        raise UserError(Fault("", fault, remedy), code=ExitCode.USAGE)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        roll = read_roll(folder, ledger)
        known = candidates(roll, people.persons(ledger.database))
        rows = [row for row in responses.signups(ledger.database, about.id) if row.doubt]
        owners = {row.key: owner.key for row in rows if (owner := _owner(row, known))}
        loose = {f"{_ROW}{row.key}": row for row in rows if row.key not in owners}
        person = find_person(who, [*known, *_unsettled(loose)])
        key = person.key
        if key in loose:
            key = settle_by_word(about, ledger, roll, loose[key], meant, now)
        else:
            # People who answer before the first mailing are not in the register yet.
            ledger.enlist(listed(roll), now)
            own = [replace(row, person=key, doubt="") for row in rows if owners.get(row.key) == key]
            responses.keep_signups(ledger.database, about.id, own, now)
        responses.record_answers(ledger.database, about.id, [Answer(key, meant, SAID, now)], now)
    invocation.terminal.say(f"{person}: {answer_words(meant)}")
    return ExitCode.OK


# Prefix of a doubtful row's key among the candidates; a person's key never begins with it.
_ROW = "row "


def _owner(row: KeptSignup, known: Sequence[Candidate]) -> Candidate | None:
    """Return the one person whom a doubtful row's name or address identifies.

    Then it is doubtful what they answered, not who they are.
    """
    mine = address_key(row.address)
    found = {
        each.key: each
        for each in known
        if (row.name and folded(each.name) == folded(row.name))
        or (row.address and address_key(each.address) == mine and alike(row.name, each.name))
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _unsettled(rows: Mapping[str, KeptSignup]) -> list[Candidate]:
    return [Candidate(key, row.name, row.address, row.organisation, row.number) for key, row in rows.items()]


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
    lines.sort(key=lambda line: sort_key(read_name(line.member) if line.member else Name(written=line.address)))
    return Answers(event, tuple(lines), responses.strays(ledger.database, event.id), unsettled, counted)
