"""The ledger of a working folder: open, hold, query and update it."""

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import write_private
from mkwmail.i18n import _
from mkwmail.ledger import approvals as agenda
from mkwmail.ledger import deliveries, last_seen
from mkwmail.ledger import deliveries as facts
from mkwmail.ledger import deliveries as names
from mkwmail.ledger import erasure as forgetting
from mkwmail.ledger import host as lock
from mkwmail.ledger import journal as wire
from mkwmail.ledger import people as persons
from mkwmail.ledger import people as register
from mkwmail.ledger import responses as answers
from mkwmail.ledger import responses as replies
from mkwmail.ledger.database import Database, cannot_write, damaged, file_id, make_private
from mkwmail.ledger.deliveries import Word
from mkwmail.ledger.host import boot_id
from mkwmail.ledger.last_seen import Comparison, LastSeen, Match, Note, Own
from mkwmail.ledger.models import (
    Answer,
    Apart,
    Approval,
    Attempt,
    Bounce,
    Claim,
    Delivery,
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
    ScheduledApproval,
    SentMail,
    Settled,
    Skipped,
    Stray,
    moment_text,
)
from mkwmail.ledger.people import Identified, Listed, Person
from mkwmail.ledger.schema import migrate, version_of


class Ledger:
    """The durable record of a working folder, for the threads of one run.

    Every method raises UserError with code LEDGER_FAULT if SQLite or the disk fails. A run that mails does
    ``with ledger.hold(…): ledger.compare(); ledger.settle(now); …``, then for each group of messages
    ``ledger.record_and_claim(…)``, for each of them ``ledger.begin(attempt)`` before its body and
    ``ledger.wire.reply(result)`` after its reply.
    """

    def __init__(self, database: Database, computer: str, boot: str, state: Callable[[], Path] | None) -> None:
        self._database = database
        self._boot = boot
        self._computer = computer
        self._state_folder = state
        found = file_id(database.path)
        if found is None:
            raise _gone(database.path)
        self._file = found
        rows = database.execute("SELECT id, secret, computer FROM ledger")
        ((name, secret, made_on),) = rows
        self.id = str(name)
        self.secret = secret if isinstance(secret, bytes) else b""
        self.made_on = str(made_on)
        self._reader: Database | None = None
        self._run: int | None = None
        self._lock: lock.Held | None = None
        self._wire: wire.Wire | None = None
        self._note: Note | None = None
        self._noting = threading.Lock()
        self._opening = threading.Lock()

    @classmethod
    def open(
        cls,
        path: Path,
        id_path: Path,
        now: datetime,
        computer: str,
        *,
        boot: str | None = None,
        state: Callable[[], Path] | None = None,
    ) -> "Ledger":
        """Open the ledger; make it and its id file if neither exists.

        ``computer`` is :func:`~mkwmail.ledger.host.this_computer`. ``state`` returns the user's state folder, in
        which a run that mails keeps the ledger's note (:mod:`mkwmail.ledger.last_seen`); None for a temporary ledger.

        :raises UserError: code SETTINGS if the ledger is lost (its id file exists without it), is not the one that
            the id file names, or has a second name (a hard link); code LEDGER_FAULT if it is damaged, locked, newer
            than this program, written by a version that was never released, or cannot be written.
        """
        # A link leads to the ledger of another folder: the files that belong to the ledger are in that folder.
        path = path.resolve()
        named = _named(id_path)
        if named and not _has_content(path):
            raise _lost(path, id_path)
        make_private(path)
        _refuse_second_name(path)
        database = Database(path)
        try:
            if version_of(database) == 0 and named:
                raise _lost(path, id_path)
            _check(database)
            database.make_durable()
            _make(database, now, computer)
            ledger = cls(database, computer, boot or boot_id(), state)
            if named and named != ledger.id:
                raise _another(path, id_path)
            if not named:
                _write_name(id_path, ledger.id)
        except BaseException:
            database.close()
            raise
        return ledger

    def close(self) -> None:
        """Close the connections."""
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
        """Check whether the ledger was last used on another computer.

        There may be two copies in use then.
        """
        return self.made_on != self._computer

    def adopt(self, computer: str) -> None:
        """Move the ledger to this computer, as a person confirmed."""
        self._database.execute("UPDATE ledger SET computer = ?", (computer,))
        self.made_on = computer

    @contextmanager
    def hold(self, command: str, now: datetime) -> Iterator[None]:
        """Hold the ledger as the only run that may mail.

        :raises UserError: code LEDGER_HELD if another run holds it, also if its lock was deleted during that run.
        """
        with lock.held(self._database.path, command, now) as self._lock:
            self._run = register.begin_run(self._database, command, now)
            try:
                yield
            finally:
                self._run = None
                if self._wire is not None:
                    self._wire.close()
                    self._wire = None
                if self._note is not None:
                    self._note.close()
                    self._note = None

    def holder(self) -> lock.Holder | None:
        """Return the run that holds the ledger, by its own note, or None."""
        return lock.holder_of(self._database.path)

    def last_run(self, command: str) -> Run | None:
        """Return the newest run of a command that held the ledger."""
        return register.last_run(self._database, command)

    def compare(self) -> Comparison:
        """Compare the ledger with its note outside the folder.

        Nothing is written. The comparison's refusal says why this ledger must not mail, if so. Ask or refuse before
        :meth:`settle`.

        :raises UserError: if the state folder cannot be used; code LEDGER_FAULT if the wire journal is newer than the
            ledger.
        """
        path, newest = self._database.path, deliveries.newest_attempt(self._database)
        if self._state_folder is None:
            return Comparison(Match.SAME, path, path)
        tokens = register.tokens(self._database)
        own = Own(path, self._file, self.id, newest, tokens)
        found = last_seen.compare(self._state_folder(), own)
        if found.match is not Match.COPIED:
            self._left_journal()
        return found

    def keep_note(self, answered: Comparison | None = None) -> None:
        """Write the note: mail is sent from this ledger from now on.

        It is durable, and outside the folder. The first claim does this automatically. ``answered`` is a comparison
        that a person confirmed.

        :raises UserError: if this ledger must not mail without such a confirmation; if the state folder cannot be
            used; code LEDGER_HELD if a run is active in the folder that this one is a copy of.
        """
        self._must_be_held()
        if self._state_folder is None or self._note is not None:
            return
        if self._wire is None:
            raise RuntimeError("settle() comes first: it needs what the note says of the run before")
        # Several connections may make their first claims at the same time: one of them writes the note.
        with self._noting:
            if self._note is None:
                self._write_note(self._state_folder(), answered)

    def _write_note(self, state: Path, answered: Comparison | None) -> None:
        with last_seen.locked(state, self.id):
            found = self.compare()
            refusal = found.refusal()
            if refusal is not None and not (found == answered and found.can_be_answered):
                raise refusal
            if found.match is Match.COPIED and found.other is not None:
                lock.refuse_if_live(found.other)
            token = secrets.token_hex(16)
            register.give_token(self._database, self._run or 0, token)
            newest = deliveries.newest_attempt(self._database)
            seen = LastSeen(self._database.path, self._file, token, newest)
            self._note = last_seen.write(state, self.id, seen)

    def settle(self, now: datetime) -> Settled:
        """Settle the messages of an interrupted run; begin a wire journal.

        A message for which the wire journal has a reply ended as the reply says. A message whose body was certainly
        not begun is planned again. The others are in doubt.

        :raises UserError: code LEDGER_FAULT if the wire journal has messages that the ledger does not have: this
            ledger is then an older copy, and would mail people again.
        """
        self._must_be_held()
        path = wire_path(self._database.path)
        journal = self._left_journal()
        newest = deliveries.newest_attempt(self._database)
        settled = deliveries.settle(self._database, journal, self._boot, now, self._is_newest(journal))
        if self._wire is not None:
            self._wire.close()
        self._wire = wire.begin(path, self.id, self._boot, newest)
        # A run that had to forget somebody may have been killed before the wiping.
        forgetting.wipe(self._database)
        return settled

    def _left_journal(self) -> wire.Journal | None:
        """Return the wire journal of an earlier run of this ledger, or None.

        :raises UserError: code LEDGER_FAULT if it has messages that the ledger does not have.
        """
        path = wire_path(self._database.path)
        journal = wire.read(path)
        if journal is None or journal.ledger != self.id:
            return None
        if journal.newest > deliveries.newest_attempt(self._database):
            raise _older_copy(self._database.path, path)
        return journal

    def _is_newest(self, journal: wire.Journal | None) -> Callable[[str | None], bool]:
        """Return a check whether the journal is the newest one of a run.

        The check takes the run's token. By the note, the journal must have all bodies that this run began; otherwise it
        may be an older journal that was put back.
        """
        if self._state_folder is None:
            return lambda _token: True
        seen: LastSeen | None = None
        with suppress(UserError):
            seen = last_seen.read(self._state_folder(), self.id)
        bodies = len(journal.bodies) if journal is not None else 0

        def has_all(token: str | None) -> bool:
            return seen is not None and seen.token == token and seen.begun is not None and bodies >= seen.begun

        return has_all

    @property
    def wire(self) -> wire.Wire:
        """This run's wire journal.

        Call ``body`` before the first byte of each body, and ``reply`` after each reply.
        """
        if self._wire is None:
            raise RuntimeError("settle() begins the wire journal")
        return self._wire

    def begin(self, attempt: int) -> None:
        """Record in the wire journal that an attempt's body is begun.

        Call it before the first byte is written. Several threads may call it. It does not wait for the disk or for
        the ledger's transactions.

        :raises UserError: as :meth:`must_be_in_place`; the body must not be begun then.
        """
        self.must_be_in_place()
        self.wire.body(attempt)
        if self._note is not None:
            self._note.begun()
        # A run that found no lock, and read the journal before this entry, made a lock of its own before it read.
        self._lock_must_be_in_place()

    def must_be_in_place(self) -> None:
        """Check that the next run would find the files of this one.

        It is as cheap as :meth:`begin`.

        :raises UserError: code LEDGER_FAULT if the lock, the ledger or the journal was deleted, replaced or moved
            during the run: nothing more may be sent.
        """
        self._must_be_held()
        self._lock_must_be_in_place()
        if file_id(self._database.path) != self._file:
            raise _gone(self._database.path)
        if self._wire is not None and not self._wire.is_in_place:
            raise _gone(wire_path(self._database.path))

    def _lock_must_be_in_place(self) -> None:
        if self._lock is not None and not self._lock.is_in_place:
            raise _gone(self._lock.path)

    # Persons

    def persons(self) -> tuple[Person, ...]:
        """Return the persons in the register, in the order of their first entry."""
        return register.persons(self._database)

    def identify(self, rows: Sequence[Listed], decided: Mapping[str, str] | None = None) -> tuple[Identified, ...]:
        """Identify the person of each row; nothing is recorded.

        See :func:`mkwmail.ledger.people.identify`.
        """
        return persons.identify(self.persons(), rows, self.secret, decided)

    @property
    def database(self) -> Database:
        """The database, for the functions of the ledger's modules."""
        return self._database

    def enlist(
        self, rows: Sequence[Listed], now: datetime, decided: Mapping[str, str] | None = None
    ) -> tuple[Identified, ...]:
        """Identify the person of each row, and record them durably.

        Doubtful persons are not recorded. Only recorded persons can be claimed.
        """
        return register.enlist(
            self._database, rows, now, lambda known: persons.identify(known, rows, self.secret, decided)
        )

    def enlist_as(self, rows: Sequence[Listed], who: Sequence[Identified], now: datetime) -> None:
        """Record the persons of rows durably.

        ``who`` is what :meth:`identify` returned while this run held the ledger.

        :raises UserError: code LEDGER_FAULT if another command has given one of the addresses to somebody else
            since; nothing is recorded then.
        """
        self._must_be_held()
        register.enlist(self._database, rows, now, lambda _known: who)

    # Deliveries

    def deliveries(self, event: str) -> tuple[Delivery, ...]:
        """Return the deliveries of all rounds of an event.

        A person without one was never claimed.
        """
        return deliveries.deliveries(self._database, event)

    def attempts(self, of: Round, person: str) -> tuple[Attempt, ...]:
        """Return the attempts for one person in one round, oldest first.

        They give the sent messages, to the byte.
        """
        return deliveries.attempts(self._database, of, person)

    def claim(self, of: Round, claims: Sequence[Claim], now: datetime) -> tuple[int, ...]:
        """Claim the messages that are sent next; return the attempts' numbers.

        The claims are durable on return, all or none.

        :raises UserError: code LEDGER_FAULT also if a claim would mail a person, or an address, twice.
        """
        return self.record_and_claim(of, (), claims, now)

    def record_and_claim(
        self, of: Round, results: Sequence[Result], claims: Sequence[Claim], now: datetime
    ) -> tuple[int, ...]:
        """Record results and claim the next messages in one transaction.

        Returns the numbers of the new attempts. The transaction and the ledger's note outside the folder are durable
        on return.

        If the claims fail, the results are recorded on their own and the fault is raised: they need not be recorded
        again. If the note fails, the next run plans the claimed messages again.

        :raises UserError: code LEDGER_FAULT also if a claim would mail a person, or an address, twice, or if the
            ledger's files were deleted or replaced during the run; what :meth:`keep_note` raises.
        """
        self._must_be_held()
        try:
            if claims:
                self.keep_note()
                self.must_be_in_place()
            with self._database.transaction():
                if results:
                    deliveries.record(self._database, results, now)
                attempts = self._claimed(of, claims, now) if claims else ()
        except UserError:
            if results and claims:
                # Results that cannot be recorded now are in the wire journal, which the next run reads.
                with suppress(UserError):
                    deliveries.record(self._database, results, now)
            raise
        if attempts and self._note is not None:
            self._note.claimed(attempts[-1])
        return attempts

    def _claimed(self, of: Round, claims: Sequence[Claim], now: datetime) -> tuple[int, ...]:
        nonce = self._wire.nonce if self._wire else None
        return deliveries.claim(self._database, of, claims, now, self._run or 0, nonce)

    def record(self, results: Iterable[Result], now: datetime) -> None:
        """Record the ends of attempts; durable on return, all or none."""
        deliveries.record(self._database, results, now)

    def expire(self, of: Round, persons: Iterable[str], now: datetime) -> None:
        """Record that the mailing's latest moment passed for these persons.

        Deliveries that were sent, are in doubt or were refused do not change.
        """
        deliveries.expire(self._database, of, persons, now)

    def resolve(self, event: str, mailing: str, edition: int, person: str, word: Word, now: datetime) -> None:
        """Apply a person's decision about a message in doubt or refused.

        ``word`` is ``sent`` or ``send-again``.

        :raises UserError: code USAGE if there is no such message.
        """
        deliveries.resolve(self._database, Round(event, mailing, edition), person, word, now)

    @property
    def lacks_journal(self) -> bool:
        """Check whether the wire journal is missing though mail was sent.

        Every run that mails leaves one, so other files may be missing too.
        """
        path = self._database.path
        return bool(deliveries.newest_attempt(self._database)) and wire.read(wire_path(path)) is None

    def last_claim(self) -> datetime | None:
        """Return when the newest message of all events was claimed."""
        return deliveries.last_claim(self._database)

    def sent_times(self, since: datetime) -> tuple[datetime, ...]:
        """Return when messages were sent, or may have been, since a moment.

        Oldest first, of all events.
        """
        return deliveries.sent_times(self._database, since)

    # Facts and answers

    def facts(self, event: str) -> tuple[str, ...]:
        """Return the documents of all versions of an event's facts.

        Version 0 comes first. A claim adds to them.
        """
        return facts.versions(self._database, event)

    def told(self, event: str) -> Mapping[str, tuple[int, ...]]:
        """Return person → the versions of the facts they may know.

        One of these is the version that the person was told last, the likeliest first. There are several if messages
        are in doubt; the last of them is then of a message that was certainly sent, if there is one.
        """
        return facts.told(self._database, event)

    def entry_method(self, event: str) -> str:
        """Return the method of the first calendar entry that was sent.

        The event keeps this method. Empty if none was sent.
        """
        return facts.entry_method(self._database, event)

    def record_answers(self, event: str, given: Iterable[Answer], now: datetime) -> None:
        """Record answers, all or none; a person's last answer counts."""
        answers.record(self._database, event, given, now)

    def answers(self, event: str) -> tuple[Answer, ...]:
        """Return every answer, in the order in which they were recorded.

        A person's last answer counts.
        """
        return answers.answers(self._database, event)

    def record_strays(self, event: str, strays: Iterable[Stray], now: datetime) -> None:
        """Record answers that the secretary must look at.

        Answers that were recorded before are not recorded again.
        """
        answers.record_strays(self._database, event, strays, now)

    def strays(self, event: str) -> tuple[Stray, ...]:
        """Return the answers that the secretary must look at, oldest first."""
        return answers.strays(self._database, event)

    # Responses, and people left out

    def keep_signups(self, event: str, rows: Iterable[KeptSignup], now: datetime) -> None:
        """Record the rows of an export, replacing their earlier versions."""
        replies.keep_signups(self._database, event, rows, now)

    def drop_signups(self, event: str, keys: Iterable[str]) -> None:
        """Delete rows of exports that were settled in another way."""
        replies.drop_signups(self._database, event, keys)

    def signups(self, event: str) -> tuple[KeptSignup, ...]:
        """Return the newest version of each row of the exports, oldest first."""
        return replies.signups(self._database, event)

    def add_guests(self, event: str, guests: Iterable[Guest], now: datetime) -> None:
        """Record guests, who are not members; they must be enlisted."""
        replies.add_guests(self._database, event, guests, now)

    def guests(self, event: str) -> tuple[Guest, ...]:
        """Return the people who signed up for an event and are not members."""
        return replies.guests(self._database, event)

    def guest_keys(self) -> frozenset[str]:
        """Return the keys of the guests of all events.

        A guest is not in the member list, but has not left it.
        """
        return replies.guest_keys(self._database)

    def sent_mails(self) -> tuple[SentMail, ...]:
        """Return every message that was sent, or may have been, of all events.

        They are in the order of the attempts.
        """
        return replies.sent_mails(self._database)

    def record_bounces(self, bounces: Sequence[Bounce], now: datetime) -> tuple[Bounce, ...]:
        """Record bounces; return those that are new.

        A delivery whose last message bounced counts as refused from then on.
        """
        return replies.record_bounces(self._database, bounces, now)

    def refused_mails(self) -> tuple[RefusedMail, ...]:
        """Return the refused and bounced messages of all events.

        Messages about which a person decided otherwise since are left out.
        """
        return replies.refused_mails(self._database)

    def leave_out(self, word: LeftOut, now: datetime) -> None:
        """Record that somebody must not be mailed, or may be mailed again.

        :raises UserError: code USAGE if the decision undoes one that does not exist.
        """
        replies.leave_out(self._database, word, now)

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return the decisions in force not to mail somebody."""
        return replies.left_out(self._database)

    def left_out_now(self) -> tuple[LeftOut, ...]:
        """Return :meth:`left_out` over a separate connection.

        It does not wait for this run's transactions.
        """
        # One of several threads opens it: a second one that nobody closes would keep the write-ahead log from the file.
        with self._opening:
            if self._reader is None:
                self._reader = Database(self._database.path)
        return replies.left_out(self._reader)

    # Forgetting

    def forget(self, people: Iterable[Person]) -> None:
        """Remove the data of these persons, wiped from the files on return.

        See :mod:`mkwmail.ledger.erasure`.
        """
        self._must_be_held()
        forgetting.forget(self._database, self.secret, people)
        forgetting.wipe(self._database)

    def purge(self, event: str, now: datetime) -> None:
        """Remove an event's personal data, wiped from the files on return."""
        self._must_be_held()
        forgetting.purge(self._database, self.secret, event, now)
        forgetting.wipe(self._database)

    def drop_dietary(self, event: str) -> None:
        """Remove an event's dietary wishes, wiped from the files on return."""
        self._must_be_held()
        forgetting.drop_dietary(self._database, event)
        forgetting.wipe(self._database)

    def has_dietary(self, event: str) -> bool:
        """Check whether the ledger still has dietary wishes for an event."""
        return forgetting.has_dietary(self._database, event)

    def has_personal(self, event: str) -> bool:
        """Check whether the ledger still has personal data for an event."""
        return forgetting.has_personal(self._database, event)

    def needed_persons(self) -> frozenset[str]:
        """Return the keys of persons whose data is still needed.

        They are part of an event that was not purged, or a decision not to mail them exists.
        """
        return forgetting.needed_persons(self._database)

    def purged(self) -> Mapping[str, Purged]:
        """Return event → when it was purged, with the counts of its answers."""
        return forgetting.purged(self._database)

    # Letters, skips, approvals, lists

    def keep_letter(self, dump: bytes) -> str:
        """Store a letter, compressed and once, and return its name.

        The name is its SHA-256 in hex.
        """
        return register.keep_letter(self._database, dump)

    def letter(self, name: str) -> bytes:
        """Return the letter with this name.

        :raises KeyError: if there is none.
        """
        dump = register.letter(self._database, name)
        if dump is None:
            raise KeyError(name)
        return dump

    def record_skips(self, of: Round, skips: Iterable[tuple[str, str]], now: datetime) -> None:
        """Record the persons (keys) left out of a round, with the reasons.

        A reason that is already recorded is not recorded again.
        """
        register.record_skips(self._database, of, skips, now)

    def skips(self, event: str) -> tuple[Skipped, ...]:
        """Return every skip, oldest first.

        The last one of a person in a round counts.
        """
        return register.skips(self._database, event)

    def approve(self, event: str, mailing: str, sources: Mapping[str, str], now: datetime) -> None:
        """Record that a person approved a mailing as it is now.

        See :mod:`mkwmail.planning.approval`.
        """
        register.approve(self._database, event, mailing, sources, now)

    def approved(self, event: str, mailing: str) -> Approval | None:
        """Return the approval in force, or None."""
        given = self.approvals(event, mailing)
        return given[-1] if given else None

    def approvals(self, event: str, mailing: str) -> tuple[Approval, ...]:
        """Return every approval of a mailing, oldest first.

        ``Delivery.approval`` refers to their ids.
        """
        return register.approvals(self._database, event, mailing)

    # Automatic sending

    def go_ahead(self, given: ScheduledApproval, sources: Mapping[str, str], now: datetime) -> None:
        """Record that a person approved a mailing and its automatic sending."""
        agenda.go_ahead(self._database, given, sources, now)

    def withdraw(self, event: str, mailing: str, now: datetime) -> None:
        """Withdraw a mailing from automatic sending."""
        agenda.withdraw(self._database, event, mailing, now)

    def go_aheads(self) -> tuple[ScheduledApproval, ...]:
        """Return the mailings that may be sent automatically, by ``opens``."""
        return agenda.go_aheads(self._database)

    def reported(self) -> Mapping[str, Reported]:
        """Return name → when each matter that still exists was reported."""
        return agenda.reported(self._database)

    def note_reported(self, names: Iterable[str], now: datetime, *, mailed: bool = False) -> None:
        """Record that these matters were printed on standard error.

        ``mailed``: they were sent by mail instead.
        """
        agenda.note_reported(self._database, names, mailed, now)

    def forget_reported(self, names: Iterable[str]) -> None:
        """Forget matters that no longer exist.

        If one returns, it is reported as new.
        """
        agenda.forget_reported(self._database, names)

    def remember_list(self, of: Round, size: int, now: datetime) -> None:
        """Record how many members the list has when a round is sent."""
        register.remember_list(self._database, of, size, now)

    def last_list(self) -> ListSeen | None:
        """Return the list at the last mailing of all events, or None."""
        return register.last_list(self._database)

    # Names

    def events(self) -> tuple[str, ...]:
        """Return the ids of all events of which a mailing was begun.

        An event may no longer have a file.
        """
        return names.events(self._database)

    def tell_apart(self, word: Apart, now: datetime) -> None:
        """Record that an event or mailing differs from a similar earlier one."""
        names.tell_apart(self._database, word, now)

    def told_apart(self, event: str) -> frozenset[Apart]:
        """Return the decisions that an event differs from earlier ones."""
        return names.told_apart(self._database, event)

    def _must_be_held(self) -> None:
        if self._run is None:
            raise RuntimeError("only a run that holds the ledger may do this")


def wire_path(ledger: Path) -> Path:
    """Return the path of a ledger's wire journal.

    It is in the same folder and begins with the ledger's name, so that both are moved together.
    """
    return ledger.with_name(f"{ledger.name}-wire")


def _named(id_path: Path) -> str | None:
    """Return the ledger's id from its id file; None if the file is empty."""
    try:
        return id_path.read_text(encoding="ascii", errors="replace").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(id_path, error) from error


def _write_name(id_path: Path, name: str) -> None:
    try:
        write_private(id_path, f"{name}\n".encode("ascii"))
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


def _refuse_second_name(path: Path) -> None:
    try:
        names = path.stat().st_nlink
    except OSError as error:
        raise cannot_write(path, error) from error
    if names > 1:
        # SQLite and the lock use the name of the file: two names are two ledgers to them.
        fault = _("%(ledger)s has a second name (a hard link): another folder may use the same ledger")
        remedy = _(
            "delete the other name; if you cannot find it, give this one a file of its own: "
            "cp %(ledger)s %(ledger)s.own && mv %(ledger)s.own %(ledger)s"
        )
        words = {"ledger": path.name}
        raise UserError(Fault(str(path), fault % words, remedy % words), code=ExitCode.SETTINGS)


def _gone(path: Path) -> UserError:
    fault = _("%(file)s was deleted, moved or replaced during this run, so it was stopped") % {"file": path.name}
    remedy = _(
        "put the ledger's files back as they were, then run the same command again: nobody is mailed twice; do not "
        "move or delete them while mkwmail runs"
    )
    return UserError(Fault(str(path), fault, remedy), code=ExitCode.LEDGER_FAULT)


def _older_copy(path: Path, journal: Path) -> UserError:
    words = {"ledger": path.name, "journal": journal.name}
    fault = _("%(ledger)s is an older copy: %(journal)s knows of messages that it does not") % words
    remedy = _(
        "put the newest %(ledger)s back (with %(ledger)s-wal, if there is one): with this one people would be "
        "mailed again; only if there is no newer one, delete %(journal)s"
    )
    return UserError(Fault(str(path), fault, remedy % words), code=ExitCode.LEDGER_FAULT)
