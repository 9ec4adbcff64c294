"""The ledger: opened, named, held by one run at a time, asked and told."""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger import agenda, answers, deliveries, facts, forgetting, lock, names, persons, register, replies, wire
from mkwmail.ledger.computer import boot_id
from mkwmail.ledger.database import Database, cannot_write, damaged, make_private
from mkwmail.ledger.deliveries import Word
from mkwmail.ledger.persons import Identified, Listed, Person
from mkwmail.ledger.records import (
    Answer,
    Apart,
    Approval,
    Attempt,
    Bounce,
    Claim,
    Delivery,
    GoAhead,
    Guest,
    KeptSignup,
    LeftOut,
    ListSeen,
    Purged,
    RefusedMail,
    Reported,
    Result,
    Round,
    Run,
    SentMail,
    Settled,
    Skipped,
    State,
    Stray,
    moment_text,
)
from mkwmail.ledger.schema import migrate, version_of


class Ledger:
    """The durable record of a working folder. Safe to use from the threads of one run.

    Every method raises UserError with code LEDGER_FAULT where SQLite or the disk fails. A run that mails goes
    ``with ledger.hold(…): ledger.settle(now); …; ledger.claim(…); ledger.wire.body(…); …; ledger.record(…)``.
    """

    def __init__(self, database: Database, computer: str, boot: str) -> None:
        self._database = database
        self._boot = boot
        self._computer = computer
        rows = database.execute("SELECT id, secret, computer FROM ledger")
        ((name, secret, made_on),) = rows
        self.id = str(name)
        self.secret = secret if isinstance(secret, bytes) else b""
        self.made_on = str(made_on)
        self._reader: Database | None = None
        self._run: int | None = None
        self._wire: wire.Wire | None = None

    @classmethod
    def open(cls, path: Path, id_path: Path, now: datetime, computer: str, *, boot: str | None = None) -> "Ledger":
        """Open the ledger, making it and the file that names it where there is neither.

        ``computer`` is :func:`~mkwmail.ledger.computer.this_computer`.

        :raises UserError: code SETTINGS where the ledger is lost (its name is there without it) or is not
            the one that is named; code LEDGER_FAULT where it is damaged, locked, newer than this program,
            or cannot be written.
        """
        named = _named(id_path)
        if named and not _has_content(path):
            raise _lost(path, id_path)
        make_private(path)
        database = Database(path)
        try:
            if version_of(database) == 0 and named:
                raise _lost(path, id_path)
            _check(database)
            database.make_durable()
            _make(database, now, computer)
            ledger = cls(database, computer, boot or boot_id())
            if named and named != ledger.id:
                raise _another(path, id_path)
            if not named:
                _write_name(id_path, ledger.id)
        except BaseException:
            database.close()
            raise
        return ledger

    def close(self) -> None:
        """End the connections."""
        if self._reader is not None:
            self._reader.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Computer and run

    @property
    def other_computer(self) -> bool:
        """Whether it was last used on another computer: there may be two of it then."""
        return self.made_on != self._computer

    def adopt(self, computer: str) -> None:
        """Let the ledger belong to this computer from now on: a person said so."""
        self._database.execute("UPDATE ledger SET computer = ?", (computer,))
        self.made_on = computer

    @contextmanager
    def hold(self, command: str, now: datetime) -> Iterator[None]:
        """Be the one run that may mail.

        :raises UserError: code LEDGER_HELD where another run is.
        """
        with lock.held(self._database.path, command, now):
            self._run = register.begin_run(self._database, command, now)
            try:
                yield
            finally:
                self._run = None
                if self._wire is not None:
                    self._wire.close()
                    self._wire = None

    def holder(self) -> lock.Holder | None:
        """The run that holds the ledger, if one does and said so."""
        return lock.holder_of(self._database.path)

    def last_run(self, command: str) -> Run | None:
        """The newest run of a command that held the ledger."""
        return register.last_run(self._database, command)

    def settle(self, now: datetime) -> Settled:
        """Decide about the messages of a run that was cut off, and begin this run's wire journal.

        What the wire journal has a reply for ended as that says; what it proves not begun is planned again;
        the rest is in doubt.

        :raises UserError: code LEDGER_FAULT where the wire journal knows of messages that the ledger does
            not: then this is an older copy of it, and would mail people again.
        """
        self._must_be_held()
        path = wire_path(self._database.path)
        journal = wire.read(path)
        if journal is not None and journal.ledger != self.id:
            journal = None
        newest = deliveries.newest_attempt(self._database)
        if journal is not None and journal.newest > newest:
            raise _older_copy(self._database.path, path)
        settled = deliveries.settle(self._database, journal, self._boot, now)
        if self._wire is not None:
            self._wire.close()
        self._wire = wire.begin(path, self.id, self._boot, newest)
        # A run that was to forget somebody may have been killed before it had wiped.
        forgetting.wipe(self._database)
        return settled

    @property
    def wire(self) -> wire.Wire:
        """This run's wire journal: ``body`` before the first byte of each body, ``reply`` after each reply."""
        if self._wire is None:
            raise RuntimeError("settle() begins the wire journal")
        return self._wire

    # Persons

    def persons(self) -> tuple[Person, ...]:
        """Everybody in the register, in the order in which they came."""
        return register.persons(self._database)

    def identify(self, rows: Sequence[Listed], decided: Mapping[str, str] | None = None) -> tuple[Identified, ...]:
        """Who each row is (:func:`mkwmail.ledger.persons.identify`); nothing is recorded."""
        return persons.identify(self.persons(), rows, self.secret, decided)

    def enlist(
        self, rows: Sequence[Listed], now: datetime, decided: Mapping[str, str] | None = None
    ) -> tuple[Identified, ...]:
        """Who each row is, recorded durably; the doubtful are not. Only who is enlisted can be claimed."""
        return register.enlist(
            self._database, rows, now, lambda known: persons.identify(known, rows, self.secret, decided)
        )

    def enlist_as(self, rows: Sequence[Listed], who: Sequence[Identified], now: datetime) -> None:
        """Record durably who the rows are, as :meth:`identify` said while this run held the ledger.

        :raises UserError: code LEDGER_FAULT where another command has given one of the addresses to somebody else
            since; nothing is recorded then.
        """
        self._must_be_held()
        register.enlist(self._database, rows, now, lambda _known: who)

    # Deliveries

    def deliveries(self, event: str) -> tuple[Delivery, ...]:
        """Where everybody stands in all rounds of an event; who is not in it was never claimed."""
        return deliveries.deliveries(self._database, event)

    def attempts(self, of: Round, person: str) -> tuple[Attempt, ...]:
        """Every attempt for one person in one round, oldest first: what was sent, to the byte."""
        return deliveries.attempts(self._database, of, person)

    def together(self) -> AbstractContextManager[None]:
        """All that is written within is one transaction, durable when it is left, all or none."""
        return self._database.transaction()

    def record_and_claim(
        self, of: Round, results: Sequence[Result], claims: Sequence[Claim], now: datetime
    ) -> tuple[int, ...]:
        """Record how attempts ended and claim the next messages, in one durable transaction; the new attempts' numbers.

        If the claim fails, the results are recorded on their own, and the fault is raised.
        """
        try:
            with self.together():
                self.record(results, now)
                return self.claim(of, claims, now)
        except UserError:
            self.record(results, now)
            raise

    def begin(self, attempt: int) -> None:
        """Write into the journal that the body of this attempt is begun, before its first byte is."""
        self.wire.body(attempt)

    def claim(self, of: Round, claims: Sequence[Claim], now: datetime) -> tuple[int, ...]:
        """Claim the messages that are sent next; durable on return, all or none. The attempts' numbers.

        :raises UserError: code LEDGER_FAULT also where a claim would mail anybody, or any address, twice.
        """
        self._must_be_held()
        nonce = self._wire.nonce if self._wire else None
        return deliveries.claim(self._database, of, claims, now, self._run or 0, nonce)

    def record(self, results: Iterable[Result], now: datetime) -> None:
        """Record how attempts ended; durable on return, all or none."""
        deliveries.record(self._database, results, now)

    def release(self, attempts: Iterable[int], now: datetime) -> None:
        """Give back claims of which no body was begun: they are planned again."""
        self.record([Result(attempt, State.PLANNED) for attempt in attempts], now)

    def expire(self, of: Round, persons: Iterable[str], now: datetime) -> None:
        """Note that the mailing's latest moment passed before these could be mailed.

        Who was sent it, is in doubt or was refused stays so.
        """
        deliveries.expire(self._database, of, persons, now)

    def resolve(self, event: str, mailing: str, edition: int, person: str, word: Word, now: datetime) -> None:
        """Follow a person's word about a message in doubt or refused: it was ``sent``, or ``send-again``.

        :raises UserError: code USAGE where there is no such message.
        """
        deliveries.resolve(self._database, Round(event, mailing, edition), person, word, now)

    def sent_times(self, since: datetime) -> tuple[datetime, ...]:
        """When messages went, or may have gone, from a moment on, oldest first, over all events."""
        return deliveries.sent_times(self._database, since)

    # Facts and answers

    def facts(self, event: str) -> tuple[str, ...]:
        """The documents of all versions of an event's facts, version 0 first; a claim adds to them."""
        return facts.versions(self._database, event)

    def told(self, event: str) -> Mapping[str, tuple[int, ...]]:
        """Person → the versions of the facts of which one is what they were last told, the likeliest first.

        More than one where messages are in doubt: the last is then of a message that went for certain, if any did.
        """
        return facts.told(self._database, event)

    def entry_method(self, event: str) -> str:
        """The method of the first calendar entry that went out, which the event keeps; empty where none did."""
        return facts.entry_method(self._database, event)

    def record_answers(self, event: str, given: Iterable[Answer], now: datetime) -> None:
        """Note answers, all or none; the last of a person holds."""
        answers.record(self._database, event, given, now)

    def answers(self, event: str) -> tuple[Answer, ...]:
        """Every answer that was noted, in that order; the last of a person holds."""
        return answers.answers(self._database, event)

    def record_strays(self, event: str, strays: Iterable[Stray], now: datetime) -> None:
        """Note answers that are for the secretary to look at; what is noted already is not noted again."""
        answers.record_strays(self._database, event, strays, now)

    def strays(self, event: str) -> tuple[Stray, ...]:
        """The answers that are for the secretary to look at, oldest first."""
        return answers.strays(self._database, event)

    # What came back, and who is left out

    def keep_signups(self, event: str, rows: Iterable[KeptSignup], now: datetime) -> None:
        """Note what an export says, in the place of what an earlier one said of the same rows."""
        replies.keep_signups(self._database, event, rows, now)

    def drop_signups(self, event: str, keys: Iterable[str]) -> None:
        """Take rows of exports away that were settled otherwise."""
        replies.drop_signups(self._database, event, keys)

    def signups(self, event: str) -> tuple[KeptSignup, ...]:
        """The last that exports said of each of their rows, oldest first."""
        return replies.signups(self._database, event)

    def add_guests(self, event: str, guests: Iterable[Guest], now: datetime) -> None:
        """Note who comes and is no member; they must be enlisted."""
        replies.add_guests(self._database, event, guests, now)

    def guests(self, event: str) -> tuple[Guest, ...]:
        """Who signed up for an event and is no member."""
        return replies.guests(self._database, event)

    def guest_keys(self) -> frozenset[str]:
        """Who was a guest of any event: not in the list, and has not left it."""
        return replies.guest_keys(self._database)

    def sent_mails(self) -> tuple[SentMail, ...]:
        """Every message that went, or may have gone, of all events, in the order of the attempts."""
        return replies.sent_mails(self._database)

    def record_bounces(self, bounces: Sequence[Bounce], now: datetime) -> tuple[Bounce, ...]:
        """Note bounces; those that are news. The messages they are about count as refused from then on."""
        return replies.record_bounces(self._database, bounces, now)

    def refused_mails(self) -> tuple[RefusedMail, ...]:
        """What was refused or came back, in all events, and about which nobody decided otherwise."""
        return replies.refused_mails(self._database)

    def leave_out(self, word: LeftOut, now: datetime) -> None:
        """Note a person's word that somebody is not to be mailed, or is so again.

        :raises UserError: code USAGE where that is undone and nothing was said before.
        """
        replies.leave_out(self._database, word, now)

    def left_out(self) -> tuple[LeftOut, ...]:
        """Who is not to be mailed by a person's word, in force."""
        return replies.left_out(self._database)

    def left_out_now(self) -> tuple[LeftOut, ...]:
        """Return :meth:`left_out` over a connection of its own, which does not wait for this run's transactions."""
        if self._reader is None:
            self._reader = Database(self._database.path)
        return replies.left_out(self._reader)

    # Forgetting

    def forget(self, people: Iterable[Person]) -> None:
        """Remove what is known of these persons (:mod:`mkwmail.ledger.forgetting`); wiped from the files on return."""
        self._must_be_held()
        forgetting.forget(self._database, self.secret, people)
        forgetting.wipe(self._database)

    def purge(self, event: str, now: datetime) -> None:
        """Remove what is known of people for an event's sake; wiped from the files on return."""
        self._must_be_held()
        forgetting.purge(self._database, self.secret, event, now)
        forgetting.wipe(self._database)

    def drop_dietary(self, event: str) -> None:
        """Remove an event's dietary wishes; wiped from the files on return."""
        self._must_be_held()
        forgetting.drop_dietary(self._database, event)
        forgetting.wipe(self._database)

    def has_dietary(self, event: str) -> bool:
        """Whether dietary wishes of an event are still kept."""
        return forgetting.has_dietary(self._database, event)

    def has_personal(self, event: str) -> bool:
        """Whether anything about people is still kept for an event's sake."""
        return forgetting.has_personal(self._database, event)

    def needed_persons(self) -> frozenset[str]:
        """Who is part of an event that was not purged, or is left out by a person's word."""
        return forgetting.needed_persons(self._database)

    def purged(self) -> Mapping[str, Purged]:
        """Event → when it was purged, and what was counted then."""
        return forgetting.purged(self._database)

    # Letters, skips, approvals, lists

    def keep_letter(self, dump: bytes) -> str:
        """Keep a letter, compressed and once; its name, which is its SHA-256 in hex."""
        return register.keep_letter(self._database, dump)

    def letter(self, name: str) -> bytes:
        """The letter that was kept under this name.

        :raises KeyError: where there is none.
        """
        dump = register.letter(self._database, name)
        if dump is None:
            raise KeyError(name)
        return dump

    def record_skips(self, of: Round, skips: Iterable[tuple[str, str]], now: datetime) -> None:
        """Note who (key) was left out of a round and why; what is noted already is not noted again."""
        register.record_skips(self._database, of, skips, now)

    def skips(self, event: str) -> tuple[Skipped, ...]:
        """Every skip that was noted, oldest first; the last one of a person in a round holds."""
        return register.skips(self._database, event)

    def approve(self, event: str, mailing: str, sources: Mapping[str, str], now: datetime) -> None:
        """Note that a person approved a mailing as it is now (:mod:`mkwmail.sending.approval`)."""
        register.approve(self._database, event, mailing, sources, now)

    def approved(self, event: str, mailing: str) -> Approval | None:
        """The approval in force."""
        given = self.approvals(event, mailing)
        return given[-1] if given else None

    def approvals(self, event: str, mailing: str) -> tuple[Approval, ...]:
        """Every approval of a mailing, oldest first; ``Delivery.approval`` refers to them."""
        return register.approvals(self._database, event, mailing)

    # What goes by itself

    def go_ahead(self, given: GoAhead, sources: Mapping[str, str], now: datetime) -> None:
        """Note that a person approved a mailing as it is now, and that it may go by itself."""
        agenda.go_ahead(self._database, given, sources, now)

    def withdraw(self, event: str, mailing: str, now: datetime) -> None:
        """Note that a mailing goes by itself no longer."""
        agenda.withdraw(self._database, event, mailing, now)

    def go_aheads(self) -> tuple[GoAhead, ...]:
        """What may go by itself, of all events, by the moment from which it goes."""
        return agenda.go_aheads(self._database)

    def reported(self) -> Mapping[str, Reported]:
        """What was reported and is still so, by its name."""
        return agenda.reported(self._database)

    def note_reported(self, names: Iterable[str], now: datetime, *, mailed: bool = False) -> None:
        """Note that these were said on standard error; ``mailed``: that they went by mail."""
        agenda.note_reported(self._database, names, mailed, now)

    def forget_reported(self, names: Iterable[str]) -> None:
        """Note that these are so no longer: should they be so again, they are news again."""
        agenda.forget_reported(self._database, names)

    def remember_list(self, of: Round, size: int, now: datetime) -> None:
        """Note how many members the list has as a round is sent."""
        register.remember_list(self._database, of, size, now)

    def last_list(self) -> ListSeen | None:
        """The list at the last mailing, of whatever event."""
        return register.last_list(self._database)

    # Names

    def events(self) -> tuple[str, ...]:
        """Return the ids of all events of which a mailing was begun, whether or not they have a file."""
        return names.events(self._database)

    def tell_apart(self, word: Apart, now: datetime) -> None:
        """Note a person's word that an event or a mailing is not the earlier one that it looks like."""
        names.tell_apart(self._database, word, now)

    def told_apart(self, event: str) -> frozenset[Apart]:
        """Return what a person told an event and its mailings apart from."""
        return names.told_apart(self._database, event)

    def _must_be_held(self) -> None:
        if self._run is None:
            raise RuntimeError("only a run that holds the ledger may do this")


def wire_path(ledger: Path) -> Path:
    """Where a ledger's wire journal lies: beside it, under its name, so that they are moved together."""
    return ledger.with_name(f"{ledger.name}-wire")


def _named(id_path: Path) -> str | None:
    """The id that the file beside the ledger gives; empty counts as none."""
    try:
        return id_path.read_text(encoding="ascii", errors="replace").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(id_path, error) from error


def _write_name(id_path: Path, name: str) -> None:
    # A name of its own: two that open the ledger for the first time at once must not share a draft.
    draft = id_path.with_name(f"{id_path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("w", encoding="ascii") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, id_path)
    except OSError as error:
        raise cannot_write(id_path, error) from error


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from error


def _check(database: Database) -> None:
    answer = database.execute("PRAGMA quick_check(1)")
    if answer != [("ok",)]:
        raise UserError(damaged(database.path, str(answer[0][0])), code=ExitCode.LEDGER_FAULT)


def _make(database: Database, now: datetime, computer: str) -> None:
    migrate(database, now)
    if not database.number("SELECT count(*) FROM ledger"):
        made = (secrets.token_hex(16), secrets.token_bytes(32), computer, moment_text(now))
        database.execute("INSERT OR IGNORE INTO ledger VALUES (1, ?, ?, ?, ?)", made)


def _lost(path: Path, id_path: Path) -> UserError:
    words = {"ledger": path.name, "id": id_path.name}
    fault = _("%(id)s says that there was a ledger here, but %(ledger)s is gone or empty") % words
    remedy = _(
        "put %(ledger)s back, from a backup or the recycle bin: without it everybody would be mailed again; "
        "only if nobody was ever mailed from this folder, delete %(id)s"
    )
    return UserError(Fault(str(path), fault, remedy % words), code=ExitCode.SETTINGS)


def _another(path: Path, id_path: Path) -> UserError:
    words = {"ledger": path.name, "id": id_path.name}
    fault = _("%(ledger)s is not the ledger that %(id)s names: it is another folder's, or a new one") % words
    remedy = _("put the ledger of this folder back; only if this is the right one, delete %(id)s") % words
    return UserError(Fault(str(path), fault, remedy), code=ExitCode.SETTINGS)


def _older_copy(path: Path, journal: Path) -> UserError:
    words = {"ledger": path.name, "journal": journal.name}
    fault = _("%(ledger)s is an older copy: %(journal)s knows of messages that it does not") % words
    remedy = _(
        "put the newest %(ledger)s back (with %(ledger)s-wal, if there is one): with this one people would be "
        "mailed again; only if there is no newer one, delete %(journal)s"
    )
    return UserError(Fault(str(path), fault, remedy % words), code=ExitCode.LEDGER_FAULT)
