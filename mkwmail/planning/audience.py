"""Audiences: the rules that say which members a mailing is for. Pure."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from mkwmail.clock import ZONE, day_in_words
from mkwmail.config.event import AllAudience, AnyAudience, AudienceRule, ColumnAudience, Event, NotAudience
from mkwmail.config.kinds import GOT, Audience, mailing_named, rule_of, shown_name
from mkwmail.dutch.names import full_name
from mkwmail.errors import user_error
from mkwmail.i18n import _
from mkwmail.ledger.models import COMING, TOLD, Delivery, ListSeen, State
from mkwmail.ledger.people import Person, folded
from mkwmail.members.member_list import KNOWN_COLUMNS, Member, column_of
from mkwmail.planning.approval import Correcting
from mkwmail.planning.facts import Telling, facts_of

if TYPE_CHECKING:
    from mkwmail.members.name_changes import NameChange

#: Audiences that guests belong to: guests are never invited, but get the mailings for those who come.
FOR_GUESTS = frozenset(
    {
        Audience.ATTENDING,
        Audience.PRESENT,
        Audience.OUTDATED,
        Audience.EARLIER_TEXT,
        Audience.TOLD,
        Audience.UNCONFIRMED,
    }
)

_QUIET_DAYS = 3


@dataclass(frozen=True, slots=True)
class Got:
    """The audience of those who got another mailing."""

    mailing: str


@dataclass(frozen=True, slots=True)
class Combined:
    """The audience of those who are in all, in any, or not in the one of some audiences."""

    how: Literal["all", "any", "not"]
    rules: tuple["Rule", ...]


Rule = Audience | Got | ColumnAudience | Combined


def is_for_guests(rule: Rule) -> bool:
    """Return whether guests may belong to an audience."""
    if isinstance(rule, Combined):
        return rule.how != "not" and any(map(is_for_guests, rule.rules))
    return rule in FOR_GUESTS


def _is_met_by_itself(rule: Rule) -> bool:
    """Return whether those who got the mailing belong to its audience no more."""
    if isinstance(rule, Combined):
        return any(map(_is_met_by_itself, rule.rules))
    return rule in (Audience.OUTDATED, Audience.EARLIER_TEXT, Audience.UNCONFIRMED)


def audience_of(event: Event, mailing: str) -> Rule:
    """Return the audience of a mailing: its entry's own, else its kind's.

    :raises UserError: code USAGE if there is no such mailing; code FAULTY_FILE if its audience does not exist.
    """
    written = mailing_named(event, mailing).audience
    if written is None:
        return rule_of(mailing).audience
    return _rule(event, mailing, written)


def _rule(event: Event, mailing: str, written: AudienceRule) -> Rule:
    if isinstance(written, ColumnAudience):
        return written
    if isinstance(written, NotAudience):
        return Combined("not", (_rule(event, mailing, written.rule),))
    if isinstance(written, AllAudience | AnyAudience):
        how: Literal["all", "any"] = "all" if isinstance(written, AllAudience) else "any"
        return Combined(how, tuple(_rule(event, mailing, each) for each in written.rules))
    if written.startswith(GOT):
        return Got(written.removeprefix(GOT).strip())
    try:
        return Audience(written)
    except ValueError:
        # Without a valid rule it must not become "everyone".
        fault = _('the mailing "%(mailing)s" has no such audience: %(audience)s')
        raise user_error(event.id, fault, mailing=mailing, audience=written) from None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person in a mailing: who, at which address, and why or why not.

    ``person`` is the key in the ledger. ``doubt``: why it is doubtful who this is; such a member is not mailed until
    somebody has chosen one of the ``candidates`` (keys). ``old_address``: the address at which they were known before,
    if that was another. ``reason``: why they do not get the mailing in this run. ``not_before``: until when the server
    deferred their message. ``retry``: the delivery that was tried or released before. ``instead``: the key of who
    was in the place of a doubtful member before; ``change``: how the name there has changed. ``copy_of``: the members
    whose assistant this is, and who get the mailing; the assistant gets one copy that names them. ``mark``: what the
    ledger has in place of the address, if it was a forgotten person's.
    """

    person: str
    member: Member
    doubt: str = ""
    candidates: tuple[str, ...] = ()
    old_address: str = ""
    reason: str = ""
    not_before: datetime | None = None
    retry: Delivery | None = None
    instead: str = ""
    change: "NameChange | None" = None
    copy_of: tuple["Recipient", ...] = ()
    mark: str = ""

    @property
    def name(self) -> str:
        """Return the name in full; empty if it is not known."""
        return full_name(self.member.name)

    @property
    def address(self) -> str:
        """Return the address; empty if none is known that can be mailed."""
        return self.member.email


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A sign-up of which it is not certain whose it is, or what it says.

    ``who``: as it names itself. ``owner``: the person (key) at its own address, who must hear of changes in any case;
    empty if it has no address. ``holder``: the owner, if it is no other person in the list or among the guests.
    ``maybe``: the persons whose it may be; they are not reminded. ``comes`` is false if it is a refusal.
    """

    who: str
    owner: str = ""
    holder: Recipient | None = None
    maybe: frozenset[str] = frozenset()
    comes: bool = True


@dataclass(frozen=True, slots=True)
class History:
    """The history of an event, from the ledger and the answers.

    ``answers``: person → attending, declined, tentative, present or absent. ``persons``: the register, for
    those who have left the list. ``last_list``: the list at the last mailing of any event. ``telling``: the facts that
    everybody was told. ``correcting``: the text that a correction corrects, if one is being planned.
    ``answered``: when each person answered. ``guests``: those who signed up and are not members. ``left_out``: person
    → why the secretary does not want them mailed. ``dead``: address key → why that address is not mailed any more.
    ``strangers``: guests of any event; they are in the register, and have not left the list.
    ``unaddressed``: guests without a known address that can be mailed. ``unsettled``: sign-ups that are to be settled.
    ``changed``: when the answer or the choices of each person were last recorded.
    ``choices``: what each person chose besides, in Dutch.
    """

    deliveries: tuple[Delivery, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    persons: tuple[Person, ...] = ()
    last_list: ListSeen | None = None
    telling: Telling = field(default_factory=Telling)
    correcting: Correcting | None = None
    answered: Mapping[str, datetime] = field(default_factory=dict)
    guests: tuple[Recipient, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    dead: Mapping[str, str] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    unaddressed: tuple[Recipient, ...] = ()
    unsettled: tuple[Unsettled, ...] = ()
    changed: Mapping[str, datetime] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def holders(self) -> tuple[Recipient, ...]:
        """The people at the addresses of unsettled sign-ups, if they are not known otherwise."""
        return tuple(each.holder for each in self.unsettled if each.holder is not None)

    @property
    def perhaps_answered(self) -> frozenset[str]:
        """The persons of whom an unsettled sign-up may be an answer."""
        return frozenset(person for each in self.unsettled for person in (*each.maybe, each.owner) if person)

    @property
    def cancelled(self) -> datetime | None:
        """When the first message of the cancellation was sent.

        That closes the event.
        """
        told = (
            each.since
            for each in self.deliveries
            if rule_of(each.round.mailing).cancels and each.state is not State.EXPIRED
        )
        return min(told, default=None)


def days_of_answers(history: History) -> frozenset[date]:
    """Return the days on which answers were recorded."""
    return frozenset(each.astimezone(ZONE).date() for each in history.changed.values())


def represented(event: Event, answers: Mapping[str, str], members: Mapping[str, Member]) -> frozenset[str]:
    """Return the organisations, folded, from which somebody comes.

    One person counts for all of an organisation, if the event says so.

    ``members``: person → member, guests included. Empty if everybody answers for themselves.
    """
    if event.registration is None or not event.registration.one_per_organisation:
        return frozenset()
    coming = (members[person] for person, answer in answers.items() if answer in COMING and person in members)
    return frozenset(folded(each.organisation) for each in coming if each.organisation)


def were_there(answers: Mapping[str, str]) -> frozenset[str]:
    """Return the answers of those who count as having been there.

    It is ``present`` if presence was recorded, else the answers of those who come.

    :param answers: person → answer, of everybody.
    """
    return frozenset({"present"}) if "present" in answers.values() else COMING


def corrects_a_cancellation(mailing: str, correcting: Correcting | None) -> bool:
    """Check whether a mailing corrects the cancellation.

    Nothing else may follow a cancellation.
    """
    return correcting is not None and rule_of(mailing).corrects and rule_of(correcting.of).cancels


def _in_words(rule: Rule) -> str:
    """Return a rule as an event file has it: ``attending``, ``regio: Utrecht``."""
    if isinstance(rule, ColumnAudience):
        return f"{rule.column}: {', '.join(rule.values)}"
    if isinstance(rule, Got):
        return f"{GOT}{rule.mailing}"
    return f"{rule.how}: [{', '.join(map(_in_words, rule.rules))}]" if isinstance(rule, Combined) else rule.value


class Audiences:
    """The audience of one mailing at one moment, asked member by member.

    ``members``: person → member, everybody in the list.

    :raises UserError: if the audience cannot be determined.
    """

    def __init__(
        self, event: Event, mailing: str, history: History, members: Mapping[str, Member], now: datetime
    ) -> None:
        self._event = event
        self._mailing = mailing
        self._history = history
        self._answers = history.answers
        self._now = now
        self._cancelled = history.cancelled
        self._guests = {each.person for each in history.guests}
        self._pending = {each.owner for each in history.unsettled if each.comes and each.owner}
        self._perhaps = history.perhaps_answered
        # mailing → person → when first
        self._told: dict[str, dict[str, datetime]] = {}
        for each in history.deliveries:
            if each.state in TOLD:
                persons = self._told.setdefault(each.round.mailing, {})
                persons[each.person] = min(each.since, persons.get(each.person, each.since))
        self._represented = represented(event, history.answers, members)
        self._written = audience_of(event, mailing)
        self._rule = self._chosen(self._written, members)

    def why_not(self, person: str, member: Member) -> str | None:
        """Return why the mailing is not for this member, in a sentence.

        None if it is.
        """
        return self._why_closed() or self._rule(person, member)

    def is_still_for(self, person: str, member: Member) -> bool:
        """Return whether a mailing that this member has had is still meant for them.

        An update is, although they are told everything by now: their assistant is not.
        """
        if self._why_closed() is not None:
            return False
        return _is_met_by_itself(self._written) or self._rule(person, member) is None

    def _why_closed(self) -> str | None:
        if self._cancelled is None or self._follows_a_cancellation():
            return None
        return _("the event was cancelled on %(day)s") % {"day": day_in_words(self._cancelled)}

    def _follows_a_cancellation(self) -> bool:
        """Return whether the mailing is the cancellation or a correction of it. Nothing else follows one."""
        correcting = self._history.correcting
        return rule_of(self._mailing).cancels or corrects_a_cancellation(self._mailing, correcting)

    def _chosen(self, rule: Rule, members: Mapping[str, Member]) -> Callable[[str, Member], str | None]:
        if isinstance(rule, Combined):
            return self._combined(rule, members)
        if isinstance(rule, Got):
            return lambda person, _member: self._without(rule.mailing, person)
        if isinstance(rule, ColumnAudience):
            return self._by_column(rule, members)
        choices: dict[Audience, Callable[[str, Member], str | None]] = {
            Audience.EVERYONE: self._for_everyone,
            Audience.UNANSWERED: self._not_silent,
            Audience.ATTENDING: self._may_come,
            Audience.PRESENT: lambda person, _member: self._unless(person, were_there(self._answers)),
            Audience.DECLINED: lambda person, _member: self._unless(person, {"declined"}),
            Audience.TENTATIVE: lambda person, _member: self._unless(person, {"tentative"}),
            Audience.TOLD: self._never_told,
            Audience.OUTDATED: self._up_to_date,
            Audience.UNCONFIRMED: lambda person, _member: self._confirmed(person),
            Audience.EARLIER_TEXT: self._has_this_text,
        }
        return choices[rule]

    def _combined(self, rule: Combined, members: Mapping[str, Member]) -> Callable[[str, Member], str | None]:
        parts = [self._chosen(each, members) for each in rule.rules]

        def why_not(person: str, member: Member) -> str | None:
            reasons = [reason for part in parts if (reason := part(person, member)) is not None]
            if rule.how == "not":
                words = {"audience": ", ".join(map(_in_words, rule.rules))}
                return None if reasons else _("belongs to those who do not get it: %(audience)s") % words
            if rule.how == "any" and len(reasons) < len(parts):
                return None
            return "; ".join(dict.fromkeys(reasons if rule.how == "any" else reasons[:1])) or None

        return why_not

    def _for_everyone(self, person: str, member: Member) -> str | None:
        if person in self._guests:
            return _("is no member")
        # Mailings that do more than ask may tell something that everybody must know.
        return self._colleague_comes(person, member) if rule_of(self._mailing).asks_to_come else None

    def _may_come(self, person: str, _member: Member) -> str | None:
        # A person who signed up must know the time and place, also if it is not settled who that is.
        return None if person in self._pending else self._unless(person, COMING)

    def _unless(self, person: str, wanted: Set[str]) -> str | None:
        answer = self._answers.get(person)
        if answer in wanted:
            return None
        return self._has_answered(person, answer) if answer else _("has not answered")

    def _is_coming_guest(self, person: str) -> bool:
        if person in self._pending:
            return True
        return person in self._guests and self._answers.get(person) in COMING

    def _has_answered(self, person: str, answer: str) -> str:
        when = self._history.answered.get(person)
        if answer in ("present", "absent"):
            return _("was present") if answer == "present" else _("was absent")
        if when is None:
            return _("has answered: %(answer)s") % {"answer": answer}
        sentences = {
            "attending": _("signed up on %(day)s"),
            "declined": _("declined on %(day)s"),
            "tentative": _("answered on %(day)s: perhaps"),
        }
        return sentences[answer] % {"day": day_in_words(when)}

    def _not_silent(self, person: str, member: Member) -> str | None:
        answer = self._answers.get(person)
        if answer:
            return self._has_answered(person, answer)
        if person in self._perhaps:
            return _("a sign-up that may be theirs is to be settled")
        colleague = self._colleague_comes(person, member)
        if colleague is not None:
            return colleague
        invited = [
            persons[person] for mailing, persons in self._told.items() if rule_of(mailing).invites and person in persons
        ]
        if not invited:
            return _("never got the invitation: that is sent first, not a reminder")
        # Whole days: an invitation of Monday at 9.05 may be followed by a reminder on Thursday at 9.00.
        passed = self._now.astimezone(ZONE).date() - min(invited).astimezone(ZONE).date()
        if passed.days < _QUIET_DAYS:
            return _("got the invitation on %(day)s, less than three days ago") % {"day": day_in_words(min(invited))}
        return None

    def _colleague_comes(self, person: str, member: Member) -> str | None:
        if folded(member.organisation) not in self._represented or self._answers.get(person) in COMING:
            return None
        return _("a colleague of %(organisation)s comes") % {"organisation": member.organisation}

    def _confirmed(self, person: str) -> str | None:
        answer, changed = self._answers.get(person), self._history.changed.get(person)
        if person in self._perhaps:
            return _("a sign-up that may be theirs is to be settled")
        if not answer or changed is None:
            return _("has not answered")
        if answer in ("present", "absent"):
            return self._has_answered(person, answer)
        confirmations = [
            each.since
            for each in self._history.deliveries
            if each.person == person and each.state in TOLD and rule_of(each.round.mailing).confirms
        ]
        last = max(confirmations, default=None)
        if last is not None and last >= changed:
            return _("the answer was confirmed on %(day)s") % {"day": day_in_words(last)}
        if changed.astimezone(ZONE).date() >= self._now.astimezone(ZONE).date():
            return _("answered today: it is confirmed from tomorrow, so that a mistake can be taken back")
        return None

    def _never_told(self, person: str, _member: Member) -> str | None:
        if any(person in persons for persons in self._told.values()) or self._is_coming_guest(person):
            return None
        return _("was never told about the event")

    def _up_to_date(self, person: str, member: Member) -> str | None:
        telling = self._history.telling
        if person not in telling.told and self._is_coming_guest(person):
            return None  # they were told by others, and those facts may have changed
        if person not in telling.told:
            return self._never_told(person, member) or _("the details they were given are not recorded")
        facts = facts_of(self._event, self._cancelled is not None)
        if telling.changes_for(person, facts, self._answers.get(person)):
            return None
        return _("has all details as they are now")

    def _has_this_text(self, person: str, _member: Member) -> str | None:
        correcting = self._history.correcting
        if correcting is None:
            return _("nothing has been sent yet that could be corrected")
        if person in correcting.earlier:
            return None
        if person in correcting.uncertified:
            return _("gets no certificate, and nothing else has changed")
        if person in correcting.had:
            return _("got %(mailing)s as it is now") % {"mailing": shown_name(correcting.of)}
        return _("did not get %(mailing)s") % {"mailing": shown_name(correcting.of)}

    def _without(self, mailing: str, person: str) -> str | None:
        if person in self._told.get(mailing, {}):
            return None
        return _("did not get %(mailing)s") % {"mailing": shown_name(mailing)}

    def _by_column(self, rule: ColumnAudience, members: Mapping[str, Member]) -> Callable[[str, Member], str | None]:
        value_of = column_of(rule.column, members.values())
        if value_of is None:
            fault = _('the member list has no column "%(column)s", which determines who gets %(mailing)s')
            remedy = _("add the column to the list, or correct the audience in the event file; it has: %(columns)s")
            known = {column: None for member in members.values() for column in member.columns}
            columns = ", ".join([*KNOWN_COLUMNS, *known])
            raise user_error(
                self._event.id, fault, remedy, columns=columns, column=rule.column, mailing=shown_name(self._mailing)
            )
        wanted = {folded(value) for value in rule.values}

        def why_not(_person: str, member: Member) -> str | None:
            value = value_of(member)
            if folded(value) in wanted:
                return None
            if not value:
                return _("has nothing in the column %(column)s") % {"column": rule.column}
            return _("%(column)s is %(value)s") % {"column": rule.column, "value": value}

        return why_not
