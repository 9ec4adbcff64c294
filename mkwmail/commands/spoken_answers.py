"""``answers set`` and ``undo``: answers that the secretary was told, by telephone or otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mkwmail.addresses import address_key, mailable
from mkwmail.clock import day_and_time
from mkwmail.commands.context import Invocation, event_of, open_ledger, read_member_index
from mkwmail.commands.prompts import Candidate, candidates, choose, find_person, refuse_doubtful, said_yes
from mkwmail.commands.signups import asked_answer, new_guest
from mkwmail.config.event import Event
from mkwmail.config.kinds import rule_of
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _, ngettext
from mkwmail.ledger import deliveries, people, responses
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import TOLD, Answer, Batch, Call, Guest, KeptSignup
from mkwmail.ledger.people import folded
from mkwmail.members.same_name import alike
from mkwmail.planning.member_index import MemberIndex, listed
from mkwmail.report.answers import answer_words
from mkwmail.report.terminal import Terminal
from mkwmail.responses.answers import Answered, last_signups, read_companions, said_answer
from mkwmail.responses.signup_changes import BY_TELEPHONE, SAID, SOURCE


def set_answer(
    invocation: Invocation, event: str, who: str, answer: str | None, *, member: str | None = None, remove: bool = False
) -> ExitCode:
    """Record an answer, or attendance, that the secretary reports.

    A doubtful row of an export becomes a guest. Without an answer, ask what was said by telephone.

    :param member: the member who a guest or a doubtful row is.
    :param remove: remove a guest, or ignore a doubtful row.
    :raises UserError: code USAGE unless exactly one person matches, and if the answer is not a known one.
    """
    meant = _meant(answer, member, remove)
    folder, about = event_of(invocation, event)
    terminal = invocation.terminal
    with open_ledger(invocation, folder) as ledger:
        desk = _Desk.of(about, ledger, read_member_index(folder, ledger), invocation.clock.now())
        if meant is None and member is None and not remove:
            if not terminal.interactive:
                remedy = _("attending (ja), declined (nee), tentative (misschien), present or absent")
                raise user_error("", _("the answer is missing"), remedy, code=ExitCode.USAGE)
            settings = read_settings(folder)
            return _by_telephone(terminal, desk, who, settings.sender.name)
        person = desk.find(who)
        if remove:
            desk.remove(person)
            terminal.say(_("%(who)s: removed from this event") % {"who": person})
        elif member is not None:
            same = find_person(member, desk.members)
            said = desk.join(person, same)
            terminal.say(_("%(who)s is %(member)s: %(answer)s") % {"who": person, "member": same, "answer": said})
        elif meant is not None:
            desk.record(person, meant)
            terminal.say(f"{person}: {answer_words(meant)}")
    return ExitCode.OK


def _meant(answer: str | None, member: str | None, remove: bool) -> Answered | None:
    """Return the answer that was typed; None if none was.

    :raises UserError: code USAGE if it is not a known one, or excludes another option.
    """
    if sum((answer is not None, member is not None, remove)) > 1:
        raise user_error("", _("ANSWER, --is and --remove cannot be used together."), code=ExitCode.USAGE)
    meant = said_answer(answer) if answer is not None else None
    if answer is not None and meant is None:
        remedy = _("attending (ja), declined (nee), tentative (misschien), present or absent")
        raise user_error("", _('"%(answer)s" is not an answer'), remedy, code=ExitCode.USAGE, answer=answer)
    return meant


# Prefix of a doubtful row's key among the candidates; a person's key never begins with it.
_ROW = "row "


@dataclass(frozen=True, slots=True)
class _Desk:
    """Everybody whom the secretary can name for an event, and what can be recorded of them.

    ``loose``: the doubtful rows without a known author, as candidates' keys. ``rows``: the other
    doubtful rows, by the person whose they are.
    """

    event: Event
    ledger: Ledger
    index: MemberIndex
    now: datetime
    members: tuple[Candidate, ...]
    known: tuple[Candidate, ...]
    loose: dict[str, KeptSignup]
    rows: Mapping[str, tuple[KeptSignup, ...]]

    @classmethod
    def of(cls, event: Event, ledger: Ledger, index: MemberIndex, now: datetime) -> "_Desk":
        signups = responses.signups(ledger.database, event.id)
        # Neither the person at the address of an unsettled row nor an assistant can answer.
        nobody = {each.holder for each in signups if each.holder} | {each.person for each in index.assistants}
        members = {each.person for each in index.listings}
        known = [each for each in candidates(index, people.persons(ledger.database)) if each.key not in nobody]
        doubtful = [row for row in signups if row.doubt]
        owners = {row.key: owner.key for row in doubtful if (owner := _owner(row, known))}
        own: dict[str, tuple[KeptSignup, ...]] = {}
        for row in doubtful:
            if row.key in owners:
                own[owners[row.key]] = (*own.get(owners[row.key], ()), row)
        return cls(
            event,
            ledger,
            index,
            now,
            tuple(each for each in known if each.key in members),
            tuple(known),
            {f"{_ROW}{row.key}": row for row in doubtful if row.key not in owners},
            own,
        )

    def find(self, who: str) -> Candidate:
        """Return the one person, guest or doubtful row that is named.

        The address of an assistant names the member.

        :raises UserError: code USAGE unless exactly one matches.
        """
        rows = [Candidate(key, row.name, row.address, row.organisation, row.number) for key, row in self.loose.items()]
        found = find_person(who, self._assisted(who) or [*self.known, *rows])
        found = next((each for each in self.known if each.key == found.key), found)
        refuse_doubtful(self.index, found.key)
        return found

    def _assisted(self, address: str) -> list[Candidate]:
        """Return the members whose assistant has this address, as if it were theirs."""
        assistants = [each for each in self.index.assistants if each.member.address_key == address_key(address)]
        keys = {of.person for each in assistants for of in each.copy_of}
        return [replace(each, address=address) for each in self.known if each.key in keys]

    def may_mean_somebody(self, who: str) -> bool:
        """Return whether a name is part of somebody's: then it must be made clear who is meant."""
        wanted = set(folded(who).split())
        return any(wanted <= set(folded(each.name).split()) for each in self.known) or "@" in who

    def add(self, row: KeptSignup) -> Candidate:
        """Return a person who was telephoned, and is not known yet."""
        self.loose[f"{_ROW}{row.key}"] = row
        return Candidate(f"{_ROW}{row.key}", row.name, row.address, row.organisation)

    def key_of(self, person: Candidate) -> str | None:
        """Return a person's key in the register; None if they are not in it."""
        known = {each.key for each in people.persons(self.ledger.database)}
        if person.key in known:
            return person.key
        row = self.loose.get(person.key)
        rows = {each.key: each.person for each in responses.signups(self.ledger.database, self.event.id)}
        return rows.get(row.key) if row else None

    def record(self, person: Candidate, answer: Answered, kept: Sequence[KeptSignup] = ()) -> None:
        """Record an answer; a doubtful row becomes a guest."""
        key = person.key
        guests: tuple[Guest, ...] = ()
        if key in self.loose:
            row = self.loose[key]
            key, guests = new_guest(self.event, self.ledger, self.index, row, self.now)
            rows: tuple[KeptSignup, ...] = (replace(_settled(row, key), answer=answer),)
        else:
            # People who answer before the first mailing are not in the register yet.
            self.ledger.record_persons(listed(self.index), self.now)
            rows = tuple(_settled(row, key) for row in self.rows.get(key, ()))
        told = (replace(each, person=key) for each in kept)
        answers = (Answer(key, answer, SAID, self.now),)
        self._keep(Batch(person.name or person.address, answers, (*rows, *told), guests))

    def join(self, person: Candidate, member: Candidate) -> str:
        """Record that a guest, or a doubtful row, is a member; return the answer in words."""
        self.ledger.record_persons(listed(self.index), self.now)
        signups = responses.signups(self.ledger.database, self.event.id)
        if person.key in self.loose:
            row = self.loose[person.key]
            answer, rows = row.answer, [_settled(row, member.key)]
            dropped: tuple[str, ...] = ()
        else:
            self._must_be_guest(person)
            last = {each.person: each.answer for each in responses.answers(self.ledger.database, self.event.id)}
            answer = last.get(person.key, "")
            rows = [replace(row, person=member.key) for row in signups if row.person == person.key]
            dropped = (person.key,)
        answers = (Answer(member.key, answer, SOURCE, self.now),) if answer else ()
        self._keep(Batch(person.name or person.address, answers, tuple(rows), (), dropped))
        return answer_words(answer) if answer else _("no answer")

    def remove(self, person: Candidate) -> None:
        """Remove a guest, or ignore a doubtful row; its row in the next export is ignored too."""
        if person.key in self.loose:
            rows = [self.loose[person.key]]
            dropped: tuple[str, ...] = ()
        else:
            self._must_be_guest(person)
            rows = [row for row in responses.signups(self.ledger.database, self.event.id) if row.person == person.key]
            dropped = (person.key,)
        gone = tuple(replace(row, person=None, doubt="", maybe=(), holder=None, gone=self.now) for row in rows)
        self._keep(Batch(person.name or person.address, (), gone, (), dropped))

    def _must_be_guest(self, person: Candidate) -> None:
        if person.key not in {each.person for each in responses.guests(self.ledger.database, self.event.id)}:
            fault = _("%(who)s is not a guest of this event")
            raise user_error("", fault, _("see: mkwmail answers list"), code=ExitCode.USAGE, who=person)

    def _keep(self, batch: Batch) -> None:
        responses.record_batch(self.ledger.database, self.event.id, batch, self.now)


def _settled(row: KeptSignup, person: str) -> KeptSignup:
    return replace(row, person=person, doubt="", maybe=(), holder=None)


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


def undo_answers(invocation: Invocation, event: str) -> ExitCode:
    """Take back the last import, or the last word of the secretary.

    :raises UserError: code USAGE if there is nothing to take back.
    """
    folder, about = event_of(invocation, event)
    terminal = invocation.terminal
    with open_ledger(invocation, folder) as ledger:
        names = {person.key: person.name or person.address for person in people.persons(ledger.database)}
        undone = responses.undo_batch(ledger.database, about.id)
        now = {each.person: each.answer for each in responses.answers(ledger.database, about.id)}
        confirmed = {
            each.person: each.since
            for each in deliveries.of_event(ledger.database, about.id)
            if each.state in TOLD and rule_of(each.round.mailing).confirms
        }
    if undone is None:
        remedy = _("an answer can be changed: mkwmail answers set")
        raise user_error(
            "", _("there is nothing to take back for %(event)s"), remedy, code=ExitCode.USAGE, event=about.id
        )
    words = {"what": undone.what, "moment": day_and_time(undone.at)}
    terminal.say(_("Taken back: %(what)s, recorded on %(moment)s") % words)
    for person, answer in undone.answers:
        shown = {"who": names.get(person, ""), "answer": answer_words(answer)}
        if person in now:
            sentence = _("  %(who)s: %(answer)s taken back; it is %(now)s")
            terminal.say(sentence % {**shown, "now": answer_words(now[person])})
        else:
            terminal.say(_("  %(who)s: %(answer)s taken back; no answer") % shown)
    told = {person: at for person, at in confirmed.items() if at >= undone.at}
    for person, _answer in undone.answers:
        if person in told:
            words = {"who": names.get(person, ""), "moment": day_and_time(told[person])}
            terminal.say(_("  %(who)s had a confirmation of it on %(moment)s") % words, "warning")
    count = len(undone.answers)
    terminal.say(ngettext("%(n)d answer taken back.", "%(n)d answers taken back.", count) % {"n": count})
    return ExitCode.OK


# By telephone


def _by_telephone(terminal: Terminal, desk: _Desk, who: str, caller: str) -> ExitCode:
    """Ask what somebody said by telephone; Enter skips a question.

    A person who is not known can be added as a guest.
    """
    person = _called(terminal, desk, who)
    if person is None:
        return ExitCode.OK
    held = {each.person: each.answer for each in responses.answers(desk.ledger.database, desk.event.id)}.get(person.key)
    terminal.note(f"{person}: {answer_words(held) if held else _('no answer')}", "bold")
    question = _("  y = comes, n = does not come, p = perhaps, Enter = no answer:")
    answer = asked_answer(terminal, question)
    earlier = last_signups(responses.signups(desk.ledger.database, desk.event.id)).get(person.key)
    row = KeptSignup(
        key=f"{BY_TELEPHONE}{person.key}",
        person=person.key,
        digest="",
        answer=answer or held or "",
        name=person.name,
        address=person.address,
        organisation=person.organisation,
        moment=desk.now,
        asked=dict(earlier.asked) if earlier else {},
        dietary=dict(earlier.dietary) if earlier else {},
        companions=earlier.companions if earlier else 0,
    )
    if answer in (Answered.ATTENDING, Answered.TENTATIVE):
        row = _with_details(terminal, desk.event, row)
    note = terminal.ask(_("  Note:"))
    if note:
        row = replace(row, asked={**row.asked, _("Note"): note})
    if answer is not None:
        desk.record(person, answer, [row])
    known = desk.key_of(person)
    if known is not None:
        responses.record_call(desk.ledger.database, desk.event.id, Call(known, caller, note, desk.now))
    terminal.say(f"{person}: {answer_words(answer) if answer else _('no answer')}")
    return ExitCode.OK


def _called(terminal: Terminal, desk: _Desk, who: str) -> Candidate | None:
    """Return who was called; None if they are not known, and are not to be a guest."""
    try:
        return desk.find(who)
    except UserError as error:
        if desk.may_mean_somebody(who):
            raise
        terminal.note(str(error.faults[0]), "warning")
        if not said_yes(terminal, _("Add %(who)s as a guest? y/n:") % {"who": who}):
            return None
    place = terminal.ask(_("  Organisation:"))
    while True:
        address = terminal.ask(_("  E-mail address, Enter if there is none:"))
        try:
            address = mailable(address) if address else ""
            break
        except ValueError as error:
            terminal.note(f"  {error}", "warning")
    key = f"{BY_TELEPHONE}{folded(who)} {address}"
    return desk.add(KeptSignup(key, None, "", "", who, address, place, doubt=_("telephoned")))


def _with_details(terminal: Terminal, event: Event, row: KeptSignup) -> KeptSignup:
    asked, dietary, companions = dict(row.asked), dict(row.dietary), row.companions
    for item in event.programme:
        if item.optional:
            said = choose(terminal, _("  %(part)s? y/n:") % {"part": item.title}, ["y", "j", "n"])
            if said:
                asked[item.title] = "nee" if said == "n" else "ja"
    while text := terminal.ask(_("  How many people come along?")):
        number = read_companions(text)
        if number is not None:
            companions = number
            break
        terminal.note(_('  "%(said)s" is not a number.') % {"said": text})
    if text := terminal.ask(_("  Dietary wishes:")):
        dietary[_("Dietary wishes")] = text
    return replace(row, asked=asked, dietary=dietary, companions=companions)
