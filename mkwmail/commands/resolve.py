"""``resolve``: a person's word about messages in doubt, or refused."""

from collections.abc import Iterator, Sequence

from mkwmail.commands.invocation import Invocation
from mkwmail.commands.who import Candidate, find_person
from mkwmail.commands.workplace import folder_of, history_of, open_ledger
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _, ngettext
from mkwmail.ledger.deliveries import Word
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.persons import Person, is_mark
from mkwmail.ledger.records import Delivery, State
from mkwmail.report.status import reply_words, state_words
from mkwmail.report.terminal import Terminal
from mkwmail.sending.plan import History
from mkwmail.sources.event_file import read_event

_OPEN = (State.IN_DOUBT, State.REFUSED)


def resolve(
    invocation: Invocation, event: str, *, sent: Sequence[str] = (), send_again: Sequence[str] = ()
) -> ExitCode:
    """Settle what is in doubt or refused, by the options or by asking; without a terminal: list it.

    :raises UserError: code USAGE where an option names nobody, or somebody about whom nothing is open.
    """
    folder = folder_of(invocation)
    name = read_event(folder.event_path(event), folder).value
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger, ledger.hold(f"resolve {name.id}", now):
        ledger.settle(now)
        history = history_of(ledger, name)
        # All options are understood before the first is followed; answers are recorded as they are given.
        said = list(_said(history, sent, send_again))
        words = []
        for delivery, word in said if sent or send_again else _answers(invocation.terminal, history):
            of = delivery.round
            ledger.resolve(of.event, of.mailing, of.edition, delivery.person, word, now)
            words.append((delivery, word))
        _say_outcome(invocation.terminal, name.id, words)
        return _code_of(ledger, name.id)


def _open_ones(history: History) -> list[Delivery]:
    # About who was forgotten nothing can be decided any more.
    return [each for each in history.deliveries if each.state in _OPEN and not is_mark(each.address)]


def _candidate(delivery: Delivery, persons: dict[str, Person]) -> Candidate:
    person = persons.get(delivery.person)
    if person is None:
        return Candidate(delivery.person, "", delivery.address)
    return Candidate(delivery.person, person.name, delivery.address, person.organisation, person.number)


def _said(history: History, sent: Sequence[str], send_again: Sequence[str]) -> Iterator[tuple[Delivery, Word]]:
    """What the options say, each about every open mail of the person."""
    persons = {person.key: person for person in history.persons}
    candidates = [_candidate(each, persons) for each in _open_ones(history)]
    words: dict[str, Word] = {}
    options: tuple[tuple[Word, Sequence[str]], ...] = (("sent", sent), ("send-again", send_again))
    for word, named in options:
        for who in named:
            person = find_person(who, candidates)
            if words.setdefault(person.key, word) != word:
                fault = _('"%(who)s" is named under --sent and under --send-again') % {"who": who}
                raise UserError(Fault("", fault), code=ExitCode.USAGE)
    for each in _open_ones(history):
        if each.person in words:
            yield each, words[each.person]


def _answers(terminal: Terminal, history: History) -> Iterator[tuple[Delivery, Word]]:
    """Asks about each, or lists them where nobody can be asked."""
    open_ones = _open_ones(history)
    persons = {person.key: person for person in history.persons}
    if not open_ones:
        terminal.say(_("Nothing is in doubt or refused."))
    if open_ones and terminal.interactive:
        terminal.note(_("Has the member had this mail? Ask them, or look in the server's log."))
    for each in open_ones:
        who = _candidate(each, persons)
        state = state_words(each.state)
        terminal.say(f"{each.round.mailing}, {who}: {state} ({reply_words(each)})")
        if not terminal.interactive:
            continue
        answer = terminal.ask(_("  s = it was sent, a = send again, Enter = decide later:")).casefold()
        # The keys are those of the question in either language.
        if answer in ("s", "v"):
            yield each, "sent"
        elif answer in ("a", "o"):
            yield each, "send-again"


def _say_outcome(terminal: Terminal, event: str, words: Sequence[tuple[Delivery, Word]]) -> None:
    again = sorted({each.round.mailing for each, word in words if word == "send-again"})
    if words:
        count = len(words)
        terminal.say(ngettext("Recorded %(n)d decision.", "Recorded %(n)d decisions.", count) % {"n": count})
    for mailing in again:
        terminal.say(_("To send again: mkwmail send %(e)s %(m)s") % {"e": event, "m": mailing})


def _code_of(ledger: Ledger, event: str) -> ExitCode:
    states = {each.state for each in ledger.deliveries(event) if not is_mark(each.address)}
    if State.IN_DOUBT in states:
        return ExitCode.IN_DOUBT
    return ExitCode.REFUSED if State.REFUSED in states else ExitCode.OK
