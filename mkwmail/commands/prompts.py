"""Questions to the user before anything is sent.

Also the search for the person whom the user names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from mkwmail.addresses import address_key
from mkwmail.clock import day_and_time
from mkwmail.commands.context import Invocation, Sources
from mkwmail.config.event import Event
from mkwmail.config.folder import id_in
from mkwmail.config.kinds import rule_of
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.i18n import _, mails, nearest, ngettext
from mkwmail.ledger import deliveries, people, rounds
from mkwmail.ledger.last_seen import Comparison, Match
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Settled
from mkwmail.ledger.people import NEW, Person, folded
from mkwmail.ledger.runs import this_computer
from mkwmail.planning.audience import History, Recipient
from mkwmail.planning.facts import read_facts
from mkwmail.planning.member_index import MemberIndex, identify_members, listed
from mkwmail.planning.oddities import changed_names, slipped_fault
from mkwmail.planning.plan import Plan
from mkwmail.planning.schedule import moved_far
from mkwmail.report.terminal import Terminal

if TYPE_CHECKING:
    from mkwmail.planning.renamed import Former

_YES = ("yes", "ja")  # in English and in Dutch
_ONE_BY_ONE = ("1", "no", "nee", "n")


def said_yes(terminal: Terminal, question: str) -> bool:
    """Ask a question that y (in Dutch j) or n answers; Enter means no."""
    return choose(terminal, question, ["y", "j", "yes", "ja", "n", "no", "nee"]) in ("y", "j", "yes", "ja")


def agreed(terminal: Terminal, question: str, yes: bool) -> bool:
    """Return whether the user agrees, or did so in advance (``yes``); if not, say that nothing was changed."""
    if yes or said_yes(terminal, question):
        return True
    terminal.say(_("Nothing was changed."))
    return False


def typed_yes(terminal: Terminal, question: str) -> bool:
    """Ask a question that only the whole word yes (in Dutch ja) confirms."""
    return terminal.ask(question).casefold() in _YES


def choose(terminal: Terminal, question: str, choices: Sequence[str]) -> str:
    """Ask until one of the choices is typed; empty if the user presses Enter."""
    while True:
        said = terminal.ask(question).casefold()
        if not said or said in choices:
            return said
        terminal.note(_('  "%(said)s" is none of the choices.') % {"said": said})


def refuse_without_terminal(terminal: Terminal, yes: bool) -> None:
    """Check that the user can confirm, or did so in advance.

    :raises UserError: code SETTINGS (approval missing).
    """
    if not yes and not terminal.interactive:
        remedy = _("run the command in a terminal, or add --yes to confirm in advance")
        raise user_error("", _("there is no terminal to confirm this"), remedy, code=ExitCode.SETTINGS)


def take_ledger(invocation: Invocation, ledger: Ledger) -> None:
    """Check that this is the ledger to send from, and settle it.

    Asks the user if only a person can know. Settling decides about mails that an earlier run left. The ledger must
    be held.

    :raises UserError: if it is not the right one, or if there is no terminal to ask: with two ledgers in use,
        people would be mailed twice.
    """
    found = _ask_about_ledger(invocation, ledger)
    # Before the note is written: settling needs the old note's facts about the earlier run.
    _say_settled(invocation.terminal, ledger.settle(invocation.clock.now()))
    if found.is_news:
        ledger.keep_note(found)


def _say_settled(terminal: Terminal, settled: Settled) -> None:
    if settled.replied or settled.released or settled.in_doubt:
        terminal.note(_("An earlier run was interrupted. Its mails have been sorted out:"), "warning")
    lines = (
        (settled.replied, _("the server had answered already: %(mails)s")),
        (settled.released, _("not begun, and sent now: %(mails)s")),
        (settled.in_doubt, _("may have been sent: %(mails)s; in doubt, not sent again unless you decide so")),
    )
    for count, words in lines:
        if count:
            terminal.note(f"  {words % {'mails': mails(count)}}", "warning")


def _ask_about_ledger(invocation: Invocation, ledger: Ledger) -> Comparison:
    moved_here = _ask_about_computer(invocation, ledger)
    found = ledger.compare()
    refusal = found.refusal()
    terminal = invocation.terminal
    if refusal is None:
        if found.match is Match.MOVED:
            from mkwmail.report.notices import moved

            terminal.note(moved(found.there, found.here).said)
        return found
    if found.match is Match.UNKNOWN and moved_here:
        return found
    if not terminal.interactive or not found.can_be_answered:
        raise refusal
    terminal.note(f"{refusal.faults[0].fault}.", "warning")
    if found.match is Match.COPIED:
        terminal.note(_("If mail is sent from both, members will get it twice."), "warning")
        question = _("Is mail sent from %(here)s only, from now on? Type yes:") % {"here": found.here}
    elif found.match is Match.REPLACED:
        terminal.note(_("Those who were mailed from that one will be mailed again."), "warning")
        question = _("Does this folder begin again, for other people or after a test? Type yes:")
    else:
        last = deliveries.last_claim(ledger.database)
        words = {"moment": day_and_time(last) if last else "?"}
        terminal.note(_("The last mail in it is of %(moment)s.") % words, "warning")
        _warn_of_parts(terminal, ledger)
        terminal.note(_("If there is a newer copy, members will be mailed twice."), "warning")
        question = _("Is this the newest copy, and the only one in use? Type yes:")
    if not typed_yes(terminal, question):
        raise refusal
    return found


def _ask_about_computer(invocation: Invocation, ledger: Ledger) -> bool:
    """Ask whether a ledger from another computer has moved here.

    Returns True if it has, and False if it was last used on this computer.

    :raises UserError: code SETTINGS if it has not, or there is no terminal to ask.
    """
    if not ledger.other_computer:
        return False
    terminal = invocation.terminal
    fault = _("this ledger was made or last used on another computer")
    remedy = _("send from that computer; or, if the folder has moved here for good, type `send` in a terminal")
    if not terminal.interactive:
        raise user_error(_("the ledger"), fault, remedy, code=ExitCode.SETTINGS)
    terminal.note(_("This ledger was made or last used on another computer."), "warning")
    terminal.note(_("If it is still used there too, members will be mailed twice."), "warning")
    _warn_of_parts(terminal, ledger)
    if not typed_yes(terminal, _("Is this computer the only one from now on? Type yes:")):
        raise user_error(_("the ledger"), fault, remedy, code=ExitCode.SETTINGS)
    ledger.adopt(this_computer())
    return True


def _warn_of_parts(terminal: Terminal, ledger: Ledger) -> None:
    if ledger.lacks_journal:
        terminal.note(
            _("Its -wire file is missing: was its -wal file left behind too? It has the newest part."), "warning"
        )


def ask_about_move(invocation: Invocation, ledger: Ledger, event: Event) -> None:
    """Ask whether an event that moved far from its day is still the same.

    Only an event that was mailed about is asked about.

    :raises UserError: code SETTINGS if it is another event, or there is no terminal to ask: people who had the
        earlier event's mails would not get this one's.
    """
    earlier = moved_far(event, rounds.scheduled(ledger.database), deliveries.of_event(ledger.database, event.id))
    if earlier is None:
        return
    terminal = invocation.terminal
    words = {"id": event.id, "before": day_and_time(earlier), "now": day_and_time(event.starts), "title": event.title}
    fault = _("%(id)s was mailed about as an event on %(before)s, and is now on %(now)s") % words
    remedy = _(
        'for another event, make a file with an id of its own: mkwmail new "%(title)s" --date DATE '
        "--from %(id)s; if this one was moved, confirm that in a terminal"
    )
    if not terminal.interactive:
        raise user_error("", fault, remedy % words, code=ExitCode.SETTINGS)
    terminal.note(fault, "warning")
    terminal.note(
        _("For another event everybody must get everything again: then it needs an id of its own."), "warning"
    )
    if not typed_yes(terminal, _("Is it the same event, moved? Type yes:")):
        raise user_error("", fault, remedy % words, code=ExitCode.SETTINGS)


def former_names(
    sources: Sources, index: MemberIndex, ledger: Ledger, history: History, plan: Plan, now: datetime
) -> "tuple[Former, ...]":
    """Return names under which a mailing seems to have been sent before.

    These are names of the mailing or of its event. Names that a person told apart are left out.
    """
    known = {*map(id_in, sources.folder.event_paths()), sources.event.id}
    gone = sorted(set(rounds.events(ledger.database)) - known)
    if not gone and not history.deliveries:
        return ()
    apart = rounds.told_apart(ledger.database, sources.event.id)
    mailing = plan.round.mailing
    found = (*_former_ids(sources, index, ledger, history, plan, now, gone), *_former_mailings(sources, history, plan))
    return tuple(each for each in found if each.apart_from(sources.event.id, mailing) not in apart)


def _former_ids(
    sources: Sources,
    index: MemberIndex,
    ledger: Ledger,
    history: History,
    plan: Plan,
    now: datetime,
    gone: Iterable[str],
) -> "Iterator[Former]":
    from mkwmail.planning.renamed import former, is_begun, is_like

    if is_begun(history.deliveries):
        return
    # If the invitation was sent under another id, a mailing to the invited members has an empty plan.
    persons = {each.person for each in plan.to_send or index.listings}
    for event in gone:
        versions = deliveries.facts_of(ledger.database, event)
        if versions and is_like(sources.event, read_facts(versions[-1]), now):
            found = former(event, "", deliveries.of_event(ledger.database, event), persons)
            if found is not None:
                yield found


def _former_mailings(sources: Sources, history: History, plan: Plan) -> "Iterator[Former]":
    from mkwmail.planning.renamed import former, former_keys

    persons = {each.person for each in plan.to_send}
    for name in former_keys(sources.event, plan.round.mailing, history.deliveries):
        found = former(sources.event.id, name, history.deliveries, persons)
        if found is not None:
            yield found


def former_faults(sources: Sources, mailing: str, earlier: "Sequence[Former]") -> list[Fault]:
    """Return a warning for each former name."""
    if not earlier:
        return []
    from mkwmail.planning.oddities import renamed_fault

    return [renamed_fault(sources.event, sources.shown_event, mailing, each) for each in earlier]


def ask_about_names(
    invocation: Invocation, ledger: Ledger, sources: Sources, mailing: str, earlier: "Sequence[Former]"
) -> None:
    """Ask whether these are other events or mailings than the one to send.

    The answer is remembered.

    :raises UserError: code SETTINGS if one is the same, or there is no terminal to ask: everybody would be mailed
        again.
    """
    terminal = invocation.terminal
    faults = former_faults(sources, mailing, earlier)
    if faults and not terminal.interactive:
        raise UserError(*faults, code=ExitCode.SETTINGS)
    for each, fault in zip(earlier, faults, strict=True):
        terminal.note(f"{fault.place}: {fault.fault}", "warning")
        if each.mailing:
            warning = _("If it is the same mailing, members would get it twice.")
            question = _("Is it another mailing? Type yes:")
        else:
            warning = _("If it is the same event, members would get its mails twice, and their answers would be lost.")
            question = _("Is it another event? Type yes:")
        terminal.note(warning, "warning")
        if not typed_yes(terminal, question):
            raise UserError(fault, code=ExitCode.SETTINGS)
        rounds.tell_apart(ledger.database, each.apart_from(sources.event.id, mailing), invocation.clock.now())


def settled_members(invocation: Invocation, sources: Sources, index: MemberIndex, ledger: Ledger) -> MemberIndex:
    """Ask who the people in doubtful rows are, and record it.

    Without a terminal they stay doubtful. A decision is recorded at once: it stays true even if nothing is sent now.

    :raises UserError: code SETTINGS if names have slipped against the addresses, and the user does not confirm them.
    """
    terminal, members = invocation.terminal, sources.members.members
    if not index.doubtful:
        return index
    if index.slipped:
        _ask_about_slipped(terminal, index, sources.shown_list)
    if not terminal.interactive:
        return index
    decided = dict(_kept_names(index))
    decided |= _decisions(terminal, identify_members(members, partial(ledger.identify, decided=decided)), ledger)
    if not decided:
        return index
    index = identify_members(members, partial(ledger.identify, decided=decided))
    ledger.record_persons(listed(index), invocation.clock.now(), decided)
    return index


def _ask_about_slipped(terminal: Terminal, index: MemberIndex, place: str) -> None:
    fault = slipped_fault(index, place)
    if not terminal.interactive:
        raise UserError(fault, code=ExitCode.SETTINGS)
    terminal.note(f"{fault.place}: {fault.fault}", "warning")
    terminal.note(_("Members would be mailed under each other's names."), "warning")
    if terminal.ask(_("Is every name at its own address in this list? Type yes:")).casefold() not in _YES:
        raise UserError(fault, code=ExitCode.SETTINGS)


def _kept_names(index: MemberIndex) -> Iterator[tuple[str, str]]:
    """Yield the slipped rows whose names are one other person's, who is nowhere else in the list."""
    certain = {each.person for each in index.listings if not each.doubt}
    for each in index.slipped:
        others = [key for key in each.candidates if key != each.instead]
        if len(others) == 1 and others[0] not in certain:
            yield each.member.address_key, others[0]


def _decisions(terminal: Terminal, index: MemberIndex, ledger: Ledger) -> Mapping[str, str]:
    """Ask about the doubtful rows; return address key → person key, or ``NEW``."""
    # Somebody who may be a third person is asked about alone.
    together = [each for each in index.doubtful if each.change is not None and len(each.candidates) == 1]
    one_by_one = [each for each in index.doubtful if each not in together]
    decided: dict[str, str] = {}
    if together:
        answer = _ask_about_all(terminal, together)
        if answer in _YES:
            decided = {each.member.address_key: NEW for each in together}
        elif answer in _ONE_BY_ONE:
            one_by_one = [*together, *one_by_one]
    persons = {person.key: person for person in people.persons(ledger.database)}
    for each in one_by_one:
        terminal.note(each.doubt, "warning")
        known = [persons[key] for key in each.candidates if key in persons]
        for number, person in enumerate(known, start=1):
            shown = Candidate(person.key, person.name, person.last_address, person.organisation)
            terminal.note(f"  {number}  {person.known_by if person.marks else shown}")
        answer = terminal.ask(_("  Type the number of who it is, n for somebody new, Enter to skip for now:"))
        if answer.casefold() == "n":
            decided[each.member.address_key] = NEW
        elif answer.isdecimal() and 1 <= int(answer) <= len(known):
            decided[each.member.address_key] = known[int(answer) - 1].key
    return decided


def _ask_about_all(terminal: Terminal, members: Sequence[Recipient]) -> str:
    said = ngettext("%(n)d member may be a successor:", "%(n)d members may be successors:", len(members))
    terminal.note(said % {"n": len(members)}, "warning")
    for name in changed_names(members):
        terminal.note(f"  {name}")
    terminal.note(_("A successor does not inherit answers, skips or sign-up links."))
    question = ngettext(
        "Is this a new person? Type yes, or 1 to choose who it is; Enter to skip for now:",
        "Are they all new people? Type yes, or 1 to answer one by one; Enter to skip them for now:",
        len(members),
    )
    return terminal.ask(question).casefold()


def confirmed(terminal: Terminal, event: str, mailing: str, count: int, along: str = "") -> bool:
    """Ask for the number of mails, or the event's id; return whether it was typed.

    :param along: how many mails have files of their own, in words.
    """
    if rule_of(mailing).cancels:
        wanted = event
        question = _("This cancels the event. To send %(mails)s, type %(wanted)s:")
    else:
        wanted = str(count)
        question = _("To send %(mails)s, type %(wanted)s:")
    said = f"{mails(count)}, {along}" if along else mails(count)
    return terminal.ask(question % {"mails": said, "wanted": wanted}) == wanted


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person whom the user may mean.

    ``key``: the person's key in the ledger. ``address``: may be empty.
    """

    key: str
    name: str
    address: str
    organisation: str = ""
    number: str = ""

    def __str__(self) -> str:
        shown = f"{self.name} <{self.address}>" if self.address else self.name
        return f"{shown}, {self.organisation}" if self.organisation else shown


def candidates(index: MemberIndex, persons: Iterable[Person] = ()) -> list[Candidate]:
    """Return everybody in the list as it is now, then the rest of these persons of the register."""
    here = [
        Candidate(each.person, each.name, each.address, each.member.organisation, each.member.number)
        for each in index.everybody
    ]
    known = {each.key for each in here}
    gone = (each for each in persons if each.key not in known)
    return [*here, *(Candidate(each.key, each.name, each.mailed_at, each.organisation, each.number) for each in gone)]


def find_person(word: str, candidates: Iterable[Candidate]) -> Candidate:
    """Return the one person whom ``word`` names.

    It names a person by address, else by number or whole name, else by part of the name.

    :raises UserError: code USAGE unless exactly one person matches.
    """
    everyone = tuple(candidates)
    for meant in (_by_address(word, everyone), _by_name_or_number(word, everyone), _by_part(word, everyone)):
        # One person may be in several rows of a list.
        distinct = {candidate.key: candidate for candidate in meant}
        if len(distinct) == 1:
            return next(iter(distinct.values()))
        if distinct:
            raise _ambiguous(word, tuple(distinct.values()))
    raise _unknown(word, everyone)


def refuse_doubtful(index: MemberIndex, key: str) -> None:
    """Check that it is known who a member of the list is.

    :raises UserError: code USAGE if a question about them is still open: nothing can be recorded about them.
    """
    for listing in index.listings:
        if listing.person == key and listing.doubt:
            fault = _("it is doubtful who this is: %(doubt)s")
            remedy = _("run `mkwmail send` or `mkwmail schedule` in a terminal, and answer its question first")
            raise user_error("", fault, remedy, code=ExitCode.USAGE, doubt=listing.doubt)


def _by_address(word: str, everyone: Sequence[Candidate]) -> list[Candidate]:
    return [one for one in everyone if "@" in word and address_key(one.address) == address_key(word)]


def _by_name_or_number(word: str, everyone: Sequence[Candidate]) -> list[Candidate]:
    wanted = folded(word)
    return [one for one in everyone if wanted and wanted in (folded(one.name), folded(one.number))]


def _by_part(word: str, everyone: Sequence[Candidate]) -> list[Candidate]:
    wanted = set(folded(word).split())
    return [one for one in everyone if wanted and wanted <= set(folded(one.name).split())]


def _ambiguous(word: str, meant: Sequence[Candidate]) -> UserError:
    remedy = _("name one by the address:\n%(choices)s") % {"choices": "\n".join(map(str, meant))}
    return user_error("", _('"%(word)s" can be one of several') % {"word": word}, remedy, code=ExitCode.USAGE)


def _unknown(word: str, everyone: Sequence[Candidate]) -> UserError:
    near = nearest(word, [text for one in everyone for text in (one.name, one.address) if text])
    remedy = _('did you mean "%(name)s"?') % {"name": near} if near else _("see the member list")
    return user_error(
        "", _('nobody has the name, address or number "%(word)s"') % {"word": word}, remedy, code=ExitCode.USAGE
    )
