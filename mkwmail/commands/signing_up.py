"""``answers import`` of a sign-up form's export: whose each row is, what it changes, and what a person must say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mkwmail.addresses import address_key, mailable
from mkwmail.commands.invocation import Invocation
from mkwmail.commands.workplace import Roll, folder_of, listed, open_ledger, read_roll
from mkwmail.dutch.names import full_name
from mkwmail.errors import ExitCode
from mkwmail.language import _
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import NEW, Listed, Person, code_for
from mkwmail.ledger.records import Answer, Guest, KeptSignup
from mkwmail.replies.answer_words import Answered
from mkwmail.replies.changes import SAID, SOURCE, Changes, changes, kept_signup
from mkwmail.replies.signup_match import Invited, Match, match_signups
from mkwmail.replies.signups import Export, read_signups
from mkwmail.report.signups import answer_words, show_import
from mkwmail.report.terminal import Terminal
from mkwmail.sources.event import Event
from mkwmail.sources.event_file import read_event

#: Who comes and has no address stands in the register under one that no mail can reach (RFC 2606 §2).
_NO_ADDRESS = "guest.invalid"
_ASKED_ONE_BY_ONE = 10  # rows missing from an export; more are another form's, or another year's

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls")


def import_signups(invocation: Invocation, event: str, file: Path) -> ExitCode:
    """Read an export, record what is new in it, and leave what is doubtful in a list where nobody can be asked.

    :raises UserError: where the export or the member list cannot be read; nothing is recorded then.
    """
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value
    terminal, now = invocation.terminal, invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        roll = read_roll(folder, ledger)
        people = invited(about, roll, ledger)
        optional = [item.title for item in about.programme if item.optional]
        export = read_signups(file, str(file), [each.code for each in people if each.code], optional)
        found, settled = _decided(terminal, about, export, people, ledger)
        gone = _asked_about_missing(terminal, found.missing)
        _record(_Import(about, ledger, roll, found, gone, settled, now))
        left = [each for each in ledger.signups(about.id) if each.doubt]
    show_import(terminal, about.id, export, found, gone, len(left))
    return ExitCode.OK


def mailed_at(person: Person) -> str:
    """A person's address; empty for a guest who has none."""
    return "" if person.address.endswith(f"@{_NO_ADDRESS}") else person.address


def invited(event: Event, roll: Roll, ledger: Ledger) -> tuple[Invited, ...]:
    """Everybody whose sign-up it can be: the members, and the guests of earlier exports."""
    former = {person.key: person.former for person in ledger.persons()}
    members = [
        Invited(
            key=each.person,
            name=full_name(each.member.name),
            addresses=(each.member.email, *former.get(each.person, ())),
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
        for each in ledger.guests(event.id)
        if each.person not in known
    ]
    known |= {each.key for each in guests}
    # Who was mailed and has left the list since may still have signed up.
    gone = [
        Invited(
            each.key,
            each.name,
            (each.address, *each.former),
            each.organisation,
            each.number,
            code_for(ledger.secret, event.id, each.key),
        )
        for each in ledger.persons()
        if each.key not in known and mailed_at(each)
    ]
    return (*members, *guests, *gone)


def _decided(
    terminal: Terminal, event: Event, export: Export, people: Sequence[Invited], ledger: Ledger
) -> tuple[Changes, Mapping[str, str]]:
    """What the export changes; in a terminal, after asking about every doubtful row."""
    matches = match_signups(export.signups, people)
    kept, by_key = ledger.signups(event.id), {each.key: each for each in people}
    held = {each.person: each for each in ledger.answers(event.id)}
    found = changes(matches, kept, held, by_key)
    if not (found.doubtful and terminal.interactive):
        return found, {}
    settled = dict(_asked(terminal, found.doubtful))
    return changes(matches, kept, held, by_key, settled), settled


def _asked(terminal: Terminal, doubtful: Sequence[Match]) -> Iterator[tuple[str, str]]:
    """Asks whose each doubtful row is."""
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
    """Of the rows that are missing from the export: the key → whether that means that the person does not come."""
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
        # The keys are those of the question in either language.
        if answer in ("c", "a", "k"):
            found[each.key] = answer != "k"
    return found


@dataclass(frozen=True, slots=True)
class _Import:
    event: Event
    ledger: Ledger
    roll: Roll
    found: Changes
    gone: Mapping[str, bool]
    settled: Mapping[str, str]
    now: datetime


def _record(these: _Import) -> None:
    """Everything that the import changes. Guests come first: answers are of people who are in the register."""
    ledger, event, now, found = these.ledger, these.event.id, these.now, these.found
    keys, guests = _enlisted(these)
    ledger.add_guests(event, (*guests, *_departed(these)), now)
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
    # Our own list, edited, is no export of the form: its rows are not known again by their answers.
    ours = {match.signup.key for match in _all(found) if match.signup.was is not None and not match.doubt}
    ledger.keep_signups(event, [row for row in rows if row.key not in ours], now)
    ledger.record_answers(event, answers, now)
    _record_missing(these)


def _departed(these: _Import) -> Iterator[Guest]:
    """Who signed up and has left the list: a guest from now on, for they are to hear of changes."""
    here = {each.person for each in these.roll.listings} | {each.person for each in these.ledger.guests(these.event.id)}
    for match in (*these.found.news, *these.found.same):
        person = match.person
        if person is not None and person.key not in here and match.signup.answer is not None:
            yield Guest(person.key, person.name, _mailable(person.addresses[0]), person.organisation)


def _all(found: Changes) -> Iterator[Match]:
    yield from (*found.news, *found.same, *found.guests, *found.doubtful, *(each.match for each in found.stands))


def _answer_of(match: Match, person: str, now: datetime) -> Iterator[Answer]:
    signup = match.signup
    if signup.answer is not None:
        # Presence and edits are of now; a form's answer is of the moment at which it was filled in.
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
    these.ledger.keep_signups(these.event.id, rows, these.now)
    these.ledger.record_answers(these.event.id, answers, these.now)


def _enlisted(these: _Import) -> tuple[Mapping[str, str], tuple[Guest, ...]]:
    """The keys of the new guests by their rows' keys, recorded in the register with everybody of the list.

    The whole list is looked at with them: a guest who is a member under an earlier address must not become
    somebody new, nor a member somebody whose address has gone.
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
    addresses = {person.key: person.address for person in ledger.persons()}
    return [(each, addresses[each.person]) for each in ledger.guests(event) if each.person in addresses]


def _mailable(address: str) -> str:
    """The address as it can be mailed; empty where it cannot."""
    try:
        return mailable(address) if address else ""
    except ValueError:
        return ""


def _own_address(address: str, roll: Roll, ledger: Ledger) -> str:
    """A guest's address as it can be mailed; empty where it is a member's, who signed a colleague up."""
    taken = {each.member.address_key for each in roll.listings} | {each.address for each in ledger.persons()}
    return "" if address_key(address) in taken else _mailable(address)


def settle_by_word(event: Event, ledger: Ledger, roll: Roll, row: KeptSignup, answer: str, now: datetime) -> str:
    """Make a guest of a doubtful row, by a person's word; the guest's key."""
    address = _own_address(row.address, roll, ledger)
    new = Listed(address or f"{row.key[:16]}@{_NO_ADDRESS}", row.name, row.organisation)
    (*_others, who) = ledger.enlist([*listed(roll), new], now, {address_key(new.address): NEW})
    if who.key not in {each.person for each in roll.listings}:
        ledger.add_guests(event.id, [Guest(who.key, row.name, address, row.organisation)], now)
    ledger.keep_signups(event.id, [replace(row, person=who.key, doubt="", answer=answer)], now)
    return who.key
