"""The ledger of a working folder: open it, hold it, mail from it."""

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.files import write_private
from mkwmail.i18n import _
from mkwmail.ledger import deliveries, journal, last_seen, people, runs
from mkwmail.ledger.database import Database, cannot_write, file_id, has_content, make_private, refuse_second_name, wipe
from mkwmail.ledger.last_seen import Comparison, LastSeen, LedgerIdentity, Match, Note
from mkwmail.ledger.models import Claim, Result, Round, Settled, moment_text
from mkwmail.ledger.people import Identified, Listed
from mkwmail.ledger.runs import boot_id
from mkwmail.ledger.schema import migrate, version_of


class Ledger:
    """The durable record of a working folder, for the threads of one run.

    What it records is read and written by the functions of :mod:`~mkwmail.ledger.people`,
    :mod:`~mkwmail.ledger.rounds`, :mod:`~mkwmail.ledger.deliveries`, :mod:`~mkwmail.ledger.responses`,
    :mod:`~mkwmail.ledger.runs` and :mod:`~mkwmail.ledger.erasure`, which take its ``database``. Every method, and each
    of these functions, raises UserError with code LEDGER_FAULT if SQLite or the disk fails. A run that mails does
    ``with ledger.hold(…): ledger.compare(); ledger.settle(now); …``, then for each group of messages
    ``ledger.record_and_claim(…)``, for each of them ``ledger.begin(attempt)`` before its body and
    ``ledger.wire.reply(result)`` after its reply.
    """

    def __init__(self, database: Database, computer: str, boot: str, state: Callable[[], Path] | None) -> None:
        self.database = database
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
        self._lock: runs.Held | None = None
        self._wire: journal.Wire | None = None
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

        ``computer`` is :func:`~mkwmail.ledger.runs.this_computer`. ``state`` returns the user's state folder, in
        which a run that mails keeps the ledger's note (:mod:`mkwmail.ledger.last_seen`); None for a temporary ledger.

        :raises UserError: code SETTINGS if the ledger is lost (its id file exists without it), is not the one that
            the id file names, or has a second name (a hard link); code LEDGER_FAULT if it is damaged, locked, newer
            than this program, written by a version that was never released, or cannot be written.
        """
        # A link leads to the ledger of another folder: the files that belong to the ledger are in that folder.
        path = path.resolve()
        named = _read_id(id_path)
        if named and not has_content(path):
            raise _lost(path, id_path)
        make_private(path)
        refuse_second_name(path)
        database = Database(path)
        try:
            if version_of(database) == 0 and named:
                raise _lost(path, id_path)
            database.check()
            database.make_durable()
            database.user = runs.this_user()
            _make(database, now, computer)
            ledger = cls(database, computer, boot or boot_id(), state)
            if named and named != ledger.id:
                raise _another(path, id_path)
            if not named:
                _write_id(id_path, ledger.id)
        except BaseException:
            database.close()
            raise
        return ledger

    def close(self) -> None:
        """Close the connections."""
        if self._reader is not None:
            self._reader.close()
        self.database.close()

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
        self.database.execute("UPDATE ledger SET computer = ?", (computer,))
        self.made_on = computer

    @contextmanager
    def hold(self, command: str, now: datetime) -> Iterator[None]:
        """Hold the ledger as the only run that may mail.

        :raises UserError: code LEDGER_HELD if another run holds it, also if its lock was deleted during that run.
        """
        with runs.held(self.database.path, command, now) as self._lock:
            self._run = runs.begin(self.database, command, now)
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

    def compare(self) -> Comparison:
        """Compare the ledger with its note outside the folder.

        Nothing is written. The comparison's refusal says why this ledger must not mail, if so. Ask or refuse before
        :meth:`settle`.

        :raises UserError: if the state folder cannot be used; code SETTINGS if the ledger was handed over; code
            LEDGER_FAULT if the wire journal is newer than the ledger.
        """
        runs.refuse_closed(self.database)
        path, newest = self.database.path, deliveries.newest_attempt(self.database)
        if self._state_folder is None:
            return Comparison(Match.SAME, path, path)
        tokens = runs.tokens(self.database)
        own = LedgerIdentity(path, self._file, self.id, newest, tokens)
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
                runs.refuse_if_live(found.other)
            token = secrets.token_hex(16)
            runs.give_token(self.database, self._run or 0, token)
            newest = deliveries.newest_attempt(self.database)
            seen = LastSeen(self.database.path, self._file, token, newest)
            self._note = last_seen.write(state, self.id, seen)

    def hand_over(self, file: Path, now: datetime) -> None:
        """Close the ledger: nothing is sent from it from now on. Durable on return.

        ``file`` is the file in which it is taken along. The ledger must be held, compared and settled.

        :raises UserError: if the state folder cannot be used.
        """
        self._must_be_held()
        self._renew_note(f"{runs.HANDED_OVER}{secrets.token_hex(16)}", self.database.path)
        runs.record_handover(self.database, "out", file, now)

    def reopen(self, way: runs.Way, file: Path, path: Path, now: datetime) -> None:
        """Open a ledger that was closed: mail is sent from it on this computer. Durable on return.

        ``path`` is where the ledger will be. The ledger must be held.

        :raises UserError: if the state folder cannot be used; what :meth:`must_be_newest` raises.
        """
        self._must_be_held()
        self._renew_note(secrets.token_hex(16), path)
        with self.database.transaction():
            self.adopt(self._computer)
            runs.record_handover(self.database, way, file, now)

    def keep_restored(self) -> None:
        """Write the note of a ledger that was put back: it is the newest from now on.

        The numbers of its attempts must go on above those in the note. The ledger must be held.

        :raises UserError: if the state folder cannot be used; what :meth:`must_be_newest` raises.
        """
        self._must_be_held()
        self._renew_note(secrets.token_hex(16), self.database.path)

    @property
    def run(self) -> int:
        """The number of this run; 0 if it does not hold the ledger."""
        return self._run or 0

    def must_be_newest(self) -> None:
        """Check that no later copy of this ledger is in use on this computer.

        :raises UserError: code SETTINGS if there is one; code LEDGER_FAULT if more mail was sent since.
        """
        seen = last_seen.read(self._state_folder(), self.id) if self._state_folder is not None else None
        if seen is None:
            return
        has_token = seen.token in runs.tokens(self.database)
        if not has_token and seen.ledger != self.database.path and seen.ledger.exists():
            fault = _("this ledger is in use in %(folder)s already, on this computer")
            remedy = _("send from that folder; only one folder may send")
            raise user_error("", fault, remedy, code=ExitCode.SETTINGS, folder=seen.ledger.parent)
        if seen.claim > deliveries.newest_attempt(self.database):
            fault = _("more mail was sent on this computer since this ledger was handed over")
            remedy = _("look for the folder %(folder)s, or for a newer handover")
            raise user_error("", fault, remedy, code=ExitCode.LEDGER_FAULT, folder=seen.ledger.parent)

    def _renew_note(self, token: str, path: Path) -> None:
        """Write the note with a new token: no other copy of the ledger on this computer has it."""
        if self._state_folder is None:
            return
        state = self._state_folder()
        with last_seen.locked(state, self.id):
            self.must_be_newest()
            runs.give_token(self.database, self._run or 0, token)
            newest = deliveries.newest_attempt(self.database)
            last_seen.write(state, self.id, LastSeen(path, self._file, token, newest)).close()

    def settle(self, now: datetime) -> Settled:
        """Settle the messages of an interrupted run; begin a wire journal.

        A message for which the wire journal has a reply ended as the reply says. A message whose body was certainly
        not begun is planned again. The others are in doubt.

        :raises UserError: code LEDGER_FAULT if the wire journal has messages that the ledger does not have: this
            ledger is then an older copy, and would mail people again.
        """
        self._must_be_held()
        path = wire_path(self.database.path)
        left = self._left_journal()
        newest = deliveries.newest_attempt(self.database)
        settled = deliveries.settle(self.database, left, self._boot, now, self._is_newest(left))
        if self._wire is not None:
            self._wire.close()
        self._wire = journal.begin(path, self.id, self._boot, newest)
        # A run that had to forget somebody may have been killed before the wiping.
        wipe(self.database)
        return settled

    def _left_journal(self) -> journal.Journal | None:
        """Return the wire journal of an earlier run of this ledger, or None.

        :raises UserError: code LEDGER_FAULT if it has messages that the ledger does not have.
        """
        path = wire_path(self.database.path)
        left = journal.read(path)
        if left is None or left.ledger != self.id:
            return None
        if left.newest > deliveries.newest_attempt(self.database):
            raise _older_copy(self.database.path, path)
        return left

    def _is_newest(self, left: journal.Journal | None) -> Callable[[str | None], bool]:
        """Return a check whether the journal is the newest one of a run.

        The check takes the run's token. By the note, the journal must have all bodies that this run began; otherwise it
        may be an older journal that was put back.
        """
        if self._state_folder is None:
            return lambda _token: True
        seen: LastSeen | None = None
        with suppress(UserError):
            seen = last_seen.read(self._state_folder(), self.id)
        bodies = len(left.bodies) if left is not None else 0

        def has_all(token: str | None) -> bool:
            return seen is not None and seen.token == token and seen.begun is not None and bodies >= seen.begun

        return has_all

    @property
    def wire(self) -> journal.Wire:
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
        self.lock_must_be_in_place()

    def must_be_in_place(self) -> None:
        """Check that the next run would find the files of this one.

        :raises UserError: code LEDGER_FAULT if the lock, the ledger or the journal was deleted, replaced or moved
            during the run: nothing more may be sent.
        """
        self._must_be_held()
        self.lock_must_be_in_place()
        if not self._file.is_at(self.database.path):
            raise _gone(self.database.path)
        if self._wire is not None and not self._wire.is_in_place:
            raise _gone(wire_path(self.database.path))

    def lock_must_be_in_place(self) -> None:
        """Check that other runs see the lock of this one.

        :raises UserError: as :meth:`must_be_in_place`.
        """
        if self._lock is not None and not self._lock.is_in_place:
            raise _gone(self._lock.path)

    @property
    def reader(self) -> Database:
        """A separate connection for queries.

        It does not wait for this run's transactions.
        """
        # One of several threads opens it: a second one, never closed, would keep the write-ahead log from the file.
        with self._opening:
            if self._reader is None:
                self._reader = Database(self.database.path)
        return self._reader

    def identify(self, rows: Sequence[Listed], decided: Mapping[str, str] | None = None) -> tuple[Identified, ...]:
        """Identify the person of each row; nothing is recorded.

        See :func:`mkwmail.ledger.people.identify`.
        """
        return people.identify(people.persons(self.database), rows, self.secret, decided)

    def record_persons(
        self, rows: Sequence[Listed], now: datetime, decided: Mapping[str, str] | None = None
    ) -> tuple[Identified, ...]:
        """Identify the person of each row, and record them durably.

        Doubtful persons are not recorded. Only recorded persons can be claimed.
        """
        return people.record_persons(
            self.database, rows, now, lambda known: people.identify(known, rows, self.secret, decided)
        )

    def record_persons_as(self, pairs: Iterable[tuple[Listed, Identified]], now: datetime) -> None:
        """Record the persons of rows durably, as :meth:`identify` returned them while this run held the ledger.

        :raises UserError: code LEDGER_FAULT if another command has given one of the addresses to somebody else
            since; nothing is recorded then.
        """
        self._must_be_held()
        people.record_persons_as(self.database, pairs, now)

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
            with self.database.transaction():
                if results:
                    deliveries.record(self.database, results, now)
                attempts = self._claimed(of, claims, now) if claims else ()
        except UserError:
            if results and claims:
                # Results that cannot be recorded now are in the wire journal, which the next run reads.
                with suppress(UserError):
                    deliveries.record(self.database, results, now)
            raise
        if attempts and self._note is not None:
            self._note.claimed(attempts[-1])
        return attempts

    def _claimed(self, of: Round, claims: Sequence[Claim], now: datetime) -> tuple[int, ...]:
        nonce = self._wire.nonce if self._wire else None
        return deliveries.claim(self.database, of, claims, now, self._run or 0, nonce)

    @property
    def is_noted(self) -> bool:
        """Check whether this run wrote the note: it mailed, or the ledger is in another place now."""
        return self._note is not None

    @property
    def lacks_journal(self) -> bool:
        """Check whether the wire journal is missing though mail was sent.

        Every run that mails leaves one, so other files may be missing too.
        """
        path = self.database.path
        return bool(deliveries.newest_attempt(self.database)) and journal.read(wire_path(path)) is None

    @contextmanager
    def erasing(self) -> Iterator[None]:
        """Wipe from the files what the block removes (:mod:`mkwmail.ledger.erasure`)."""
        self._must_be_held()
        yield
        wipe(self.database)

    def _must_be_held(self) -> None:
        if self._run is None:
            raise RuntimeError("only a run that holds the ledger may do this")


def wire_path(ledger: Path) -> Path:
    """Return the path of a ledger's wire journal.

    It is in the same folder and begins with the ledger's name, so that both are moved together.
    """
    return ledger.with_name(f"{ledger.name}-wire")


def _make(database: Database, now: datetime, computer: str) -> None:
    migrate(database, now)
    if not database.number("SELECT count(*) FROM ledger"):
        made = (secrets.token_hex(16), secrets.token_bytes(32), computer, moment_text(now))
        database.execute("INSERT OR IGNORE INTO ledger VALUES (1, ?, ?, ?, ?)", made)


def _gone(path: Path) -> UserError:
    fault = _("%(file)s was deleted, moved or replaced during this run, so it was stopped")
    remedy = _(
        "put the ledger's files back as they were, then run the same command again: nobody is mailed twice; do not "
        "move or delete them while mkwmail runs"
    )
    return user_error(str(path), fault, remedy, code=ExitCode.LEDGER_FAULT, file=path.name)


def _older_copy(path: Path, wire: Path) -> UserError:
    fault = _("%(ledger)s is an older copy: %(journal)s has messages that it does not have")
    remedy = _(
        "put the newest %(ledger)s back (with %(ledger)s-wal, if there is one): with this one people would be "
        "mailed again; only if there is no newer one, delete %(journal)s"
    )
    return user_error(str(path), fault, remedy, code=ExitCode.LEDGER_FAULT, ledger=path.name, journal=wire.name)


def _read_id(id_path: Path) -> str | None:
    """Return the ledger's id from its id file; None if the file is empty."""
    try:
        return id_path.read_text(encoding="ascii", errors="replace").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(id_path, error) from error


def _write_id(id_path: Path, name: str) -> None:
    """Write the ledger's id, readable by its owner only."""
    try:
        write_private(id_path, f"{name}\n".encode("ascii"))
    except OSError as error:
        raise cannot_write(id_path, error) from error


def _lost(path: Path, id_path: Path) -> UserError:
    """Return the error for an id file whose ledger is gone."""
    fault = _("according to %(id)s there was a ledger here, but %(ledger)s is gone or empty")
    remedy = _(
        "put %(ledger)s back from the recycle bin, or from a backup: mkwmail restore; without it everybody would be "
        "mailed again; only if nobody was ever mailed from this folder, delete %(id)s"
    )
    return user_error(str(path), fault, remedy, code=ExitCode.SETTINGS, ledger=path.name, id=id_path.name)


def _another(path: Path, id_path: Path) -> UserError:
    """Return the error for an id file that names another ledger."""
    fault = _("%(ledger)s is not the ledger that %(id)s names: it is another folder's, or a new one")
    remedy = _("put the ledger of this folder back; only if this is the right one, delete %(id)s")
    return user_error(str(path), fault, remedy, code=ExitCode.SETTINGS, ledger=path.name, id=id_path.name)
