"""The tables of the ledger, as numbered migrations that are only ever added to.

Moments are text in UTC, of one width. The rules that keep anybody from being mailed twice stand here, so that
no fault in the program above can break them: one row for each round and person, one mail for each round and
address, and only the transitions of :class:`~mkwmail.ledger.models.State`.
"""

from collections.abc import Sequence
from datetime import datetime

from mkwmail import __version__
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _
from mkwmail.ledger.database import APPLICATION_ID, Database
from mkwmail.ledger.models import moment_text

Migration = tuple[str, tuple[str, ...]]

# What a delivery is, as two migrations have it; the order of the rows is another in each.
_DELIVERY = """(
    round INTEGER NOT NULL REFERENCES rounds (id),
    person TEXT NOT NULL REFERENCES persons (key),
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('planned', 'sending', 'sent', 'refused', 'deferred', 'expired', 'in doubt')),
    since TEXT NOT NULL,
    not_before TEXT,
    tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    code INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    attempt INTEGER REFERENCES attempts (id),
    PRIMARY KEY (round, person),
    CHECK (state IN ('planned', 'expired') OR attempt IS NOT NULL),
    CHECK ((state = 'deferred') = (not_before IS NOT NULL))
)"""

_RULES_OF_DELIVERIES = (
    """CREATE UNIQUE INDEX one_mail_for_an_address ON deliveries (round, address_key)
        WHERE state IN ('sending', 'sent', 'in doubt')""",
    "CREATE INDEX sending_now ON deliveries (attempt) WHERE state = 'sending'",
    """CREATE TRIGGER a_delivery_begins BEFORE INSERT ON deliveries
        WHEN NEW.state NOT IN ('sending', 'expired')
        BEGIN SELECT RAISE(ABORT, 'a delivery begins with its claim'); END""",
)

_STEPS = """OLD.state = 'planned' AND NEW.state IN ('sending', 'expired')
        OR OLD.state = 'sending'
           AND NEW.state IN ('sent', 'refused', 'deferred', 'in doubt', 'planned')
        OR OLD.state = 'deferred' AND NEW.state IN ('sending', 'expired')
        OR OLD.state = 'expired' AND NEW.state = 'sending'
        OR OLD.state = 'refused' AND NEW.state = 'sending' AND NEW.address_key <> OLD.address_key
        OR OLD.state IN ('in doubt', 'refused') AND NEW.state IN ('sent', 'planned')
           AND EXISTS (SELECT 1 FROM resolutions WHERE attempt = OLD.attempt
                       AND word = iif(NEW.state = 'sent', 'sent', 'send-again'))"""

# A message that came back was sent, and did not arrive: refused, with the report as the proof.
_AND_BACK = """OR OLD.state IN ('sent', 'in doubt') AND NEW.state = 'refused'
           AND EXISTS (SELECT 1 FROM bounces WHERE attempt = OLD.attempt AND verdict <> 'delayed')"""


def _only(steps: str) -> str:
    """The rule that a delivery's state takes these steps alone."""
    return f"""CREATE TRIGGER a_delivery_goes_on BEFORE UPDATE OF state ON deliveries
    WHEN NOT (
        {steps}
    )
    BEGIN SELECT RAISE(ABORT, 'no such step in the state of a delivery'); END"""


_GOES_ON = _only(f"{_STEPS}\n        {_AND_BACK}")

_FIRST: Migration = (
    "the tables",
    (
        "CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL,"
        " program TEXT NOT NULL) STRICT",
        """CREATE TABLE ledger (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            id TEXT NOT NULL,
            secret BLOB NOT NULL CHECK (length(secret) = 32),
            computer TEXT NOT NULL,
            made TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            command TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE persons (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            address TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL, organisation TEXT NOT NULL, number TEXT NOT NULL,
            since TEXT NOT NULL
        ) STRICT""",
        """CREATE TABLE former_addresses (
            person TEXT NOT NULL REFERENCES persons (key), address TEXT NOT NULL, until TEXT NOT NULL,
            PRIMARY KEY (person, address)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE rounds (
            id INTEGER PRIMARY KEY,
            event TEXT NOT NULL CHECK (event <> ''),
            mailing TEXT NOT NULL CHECK (mailing <> ''),
            edition INTEGER NOT NULL CHECK (edition >= 0),
            UNIQUE (event, mailing, edition)
        ) STRICT""",
        """CREATE TABLE approvals (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            event TEXT NOT NULL, mailing TEXT NOT NULL, sources TEXT NOT NULL, at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX approvals_of ON approvals (event, mailing, id)",
        "CREATE TABLE letters (hash TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT",
        # Append-only: what was attempted is never rewritten; how it ended stands in results.
        # AUTOINCREMENT: a number is never used again, so the wire journal's entries mean one attempt for ever.
        """CREATE TABLE attempts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            round INTEGER NOT NULL REFERENCES rounds (id),
            person TEXT NOT NULL REFERENCES persons (key),
            address TEXT NOT NULL,
            tries INTEGER NOT NULL,
            letter TEXT NOT NULL REFERENCES letters (hash),
            "values" TEXT NOT NULL,
            message_id TEXT NOT NULL, date TEXT NOT NULL, sha256 TEXT NOT NULL,
            approval INTEGER REFERENCES approvals (id),
            run INTEGER REFERENCES runs (id),
            journal TEXT,
            claimed TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX attempts_of ON attempts (round, person)",
        """CREATE TABLE results (
            attempt INTEGER PRIMARY KEY REFERENCES attempts (id),
            state TEXT NOT NULL CHECK (state IN ('sent', 'refused', 'deferred', 'in doubt', 'planned')),
            code INTEGER, reason TEXT NOT NULL, not_before TEXT,
            at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX results_at ON results (at)",
        f"CREATE TABLE deliveries {_DELIVERY} STRICT, WITHOUT ROWID",
        *_RULES_OF_DELIVERIES,
        _only(_STEPS),
        """CREATE TABLE resolutions (
            attempt INTEGER NOT NULL REFERENCES attempts (id),
            word TEXT NOT NULL CHECK (word IN ('sent', 'send-again')), at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX resolutions_of ON resolutions (attempt)",
        """CREATE TABLE skips (
            id INTEGER PRIMARY KEY,
            round INTEGER NOT NULL REFERENCES rounds (id),
            person TEXT NOT NULL REFERENCES persons (key),
            reason TEXT NOT NULL CHECK (reason <> ''), at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX skips_of ON skips (round, person, id)",
        """CREATE TABLE lists (
            id INTEGER PRIMARY KEY,
            round INTEGER NOT NULL REFERENCES rounds (id),
            size INTEGER NOT NULL CHECK (size >= 0), at TEXT NOT NULL
        ) STRICT""",
    ),
)

# A message's facts are noted with its claim: what may have reached somebody counts as told.
_FACTS_AND_ANSWERS: Migration = (
    "which facts each person was told, and who comes",
    (
        """CREATE TABLE facts (
            event TEXT NOT NULL, version INTEGER NOT NULL CHECK (version >= 0),
            document TEXT NOT NULL, at TEXT NOT NULL,
            PRIMARY KEY (event, version)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE carried (
            attempt INTEGER PRIMARY KEY REFERENCES attempts (id),
            event TEXT NOT NULL, version INTEGER NOT NULL,
            method TEXT NOT NULL,
            FOREIGN KEY (event, version) REFERENCES facts (event, version)
        ) STRICT""",
        "CREATE INDEX carried_of ON carried (event)",
        """CREATE TABLE answers (
            id INTEGER PRIMARY KEY,
            event TEXT NOT NULL,
            person TEXT NOT NULL REFERENCES persons (key),
            answer TEXT NOT NULL CHECK (answer IN ('attending', 'declined', 'tentative', 'present', 'absent')),
            source TEXT NOT NULL,
            given TEXT NOT NULL,
            sequence INTEGER,
            at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX answers_of ON answers (event, person)",
        """CREATE TABLE stray_answers (
            id INTEGER PRIMARY KEY,
            event TEXT NOT NULL,
            person TEXT REFERENCES persons (key),
            address TEXT NOT NULL, answer TEXT NOT NULL, given TEXT NOT NULL, at TEXT NOT NULL,
            UNIQUE (event, address, answer, given)
        ) STRICT""",
    ),
)

_AGENDA: Migration = (
    "what may go by itself, and what was reported",
    (
        # The newest row of a mailing is in force; one without an approval withdraws it.
        """CREATE TABLE go_aheads (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            event TEXT NOT NULL, mailing TEXT NOT NULL,
            approval INTEGER REFERENCES approvals (id),
            opens TEXT NOT NULL, latest TEXT NOT NULL,
            terms TEXT NOT NULL, persons TEXT NOT NULL, others INTEGER NOT NULL CHECK (others IN (0, 1)),
            at TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX go_aheads_of ON go_aheads (event, mailing, id)",
        """CREATE TABLE reported (
            name TEXT PRIMARY KEY, first TEXT NOT NULL, said TEXT, mailed TEXT
        ) STRICT, WITHOUT ROWID""",
    ),
)

_REPLIES: Migration = (
    "sign-ups and guests, what came back, and who is left out",
    (
        # The last that an export said of each of its rows; `person` is empty while it is doubtful whose it is.
        """CREATE TABLE signups (
            event TEXT NOT NULL, key TEXT NOT NULL,
            person TEXT REFERENCES persons (key),
            digest TEXT NOT NULL, answer TEXT NOT NULL,
            name TEXT NOT NULL, address TEXT NOT NULL, organisation TEXT NOT NULL, number TEXT NOT NULL,
            moment TEXT,
            asked TEXT NOT NULL, dietary TEXT NOT NULL,
            doubt TEXT NOT NULL, gone TEXT, at TEXT NOT NULL,
            PRIMARY KEY (event, key)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE guests (
            event TEXT NOT NULL,
            person TEXT NOT NULL REFERENCES persons (key),
            name TEXT NOT NULL, address TEXT NOT NULL, organisation TEXT NOT NULL, at TEXT NOT NULL,
            PRIMARY KEY (event, person)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE bounces (
            id INTEGER PRIMARY KEY,
            attempt INTEGER NOT NULL REFERENCES attempts (id),
            verdict TEXT NOT NULL CHECK (verdict <> ''), reply TEXT NOT NULL,
            said INTEGER NOT NULL CHECK (said IN (0, 1)),
            digest TEXT NOT NULL, at TEXT NOT NULL,
            UNIQUE (attempt, digest)
        ) STRICT""",
        # The newest row of a person and event is in force; an empty event stands for all of them.
        """CREATE TABLE left_out (
            id INTEGER PRIMARY KEY,
            person TEXT NOT NULL REFERENCES persons (key),
            event TEXT NOT NULL, reason TEXT NOT NULL CHECK (reason <> ''),
            undone INTEGER NOT NULL CHECK (undone IN (0, 1)), at TEXT NOT NULL
        ) STRICT""",
        "DROP TRIGGER a_delivery_goes_on",
        _GOES_ON,
    ),
)

_FORGETTING: Migration = (
    "who was forgotten, and what was purged",
    (
        """CREATE TABLE forgotten (
            person TEXT NOT NULL REFERENCES persons (key), mark TEXT NOT NULL,
            PRIMARY KEY (person, mark)
        ) STRICT, WITHOUT ROWID""",
        # `totals`: how many gave which answer, as JSON.
        "CREATE TABLE purged (event TEXT PRIMARY KEY, totals TEXT NOT NULL, at TEXT NOT NULL) STRICT, WITHOUT ROWID",
        # One row while what was deleted has yet to be wiped from the file.
        "CREATE TABLE to_wipe (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT",
    ),
)

# By person, whose key is drawn, each claim and each result went to a page of its own. What is looked for once in a
# command is found without an index, which would have to be kept up for every message.
_IN_ORDER: Migration = (
    "deliveries stand in the order in which they were claimed",
    (
        "DROP INDEX attempts_of",
        "DROP INDEX results_at",
        "DROP INDEX carried_of",
        f"CREATE TABLE deliveries_in_order {_DELIVERY} STRICT",
        """INSERT INTO deliveries_in_order (round, person, address, address_key, state, since, not_before, tries,
            code, reason, attempt)
            SELECT round, person, address, address_key, state, since, not_before, tries, code, reason, attempt
            FROM deliveries ORDER BY attempt""",
        "DROP TABLE deliveries",
        "ALTER TABLE deliveries_in_order RENAME TO deliveries",
        *_RULES_OF_DELIVERIES,
        _GOES_ON,
    ),
)

_TOLD_APART: Migration = (
    "which events and mailings a person told apart from earlier ones",
    (
        # Both mailings are empty in a row about events.
        """CREATE TABLE told_apart (
            event TEXT NOT NULL, mailing TEXT NOT NULL,
            earlier_event TEXT NOT NULL, earlier_mailing TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (event, mailing, earlier_event, earlier_mailing)
        ) STRICT, WITHOUT ROWID""",
    ),
)

# By its token a run that mailed is known again outside the working folder (mkwmail.ledger.last_seen).
_TOKENS: Migration = ("runs that mailed have a token", ("ALTER TABLE runs ADD COLUMN token TEXT",))

MIGRATIONS: tuple[Migration, ...] = (
    _FIRST,
    _FACTS_AND_ANSWERS,
    _AGENDA,
    _REPLIES,
    _FORGETTING,
    _IN_ORDER,
    _TOLD_APART,
    _TOKENS,
)


def version_of(database: Database) -> int:
    """How many migrations the file has had.

    :raises UserError: code LEDGER_FAULT where it is damaged, or is another program's database.
    """
    # In one statement: another process may be making the tables at this moment.
    ((version, application, tables),) = database.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_user_version, pragma_application_id"
    )
    if application == APPLICATION_ID or (application == version == tables == 0):
        return int(version or 0)
    fault = _("%(file)s is not a ledger of mkwmail") % {"file": database.path.name}
    remedy = _("move it elsewhere, and put the ledger in its place")
    raise UserError(Fault(str(database.path), fault, remedy), code=ExitCode.LEDGER_FAULT)


def migrate(database: Database, now: datetime, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the tables up to date, each migration in one transaction, a whole copy kept beside it before.

    :raises UserError: code LEDGER_FAULT where a newer program has been at the ledger.
    """
    version = version_of(database)
    if version > len(migrations):
        fault = _("%(file)s was written by a newer mkwmail than this one (%(program)s)")
        words = {"file": database.path.name, "program": __version__}
        remedy = _("install the newest mkwmail: pip install --upgrade mkwmail")
        raise UserError(Fault(str(database.path), fault % words, remedy), code=ExitCode.LEDGER_FAULT)
    if 0 < version < len(migrations):
        database.back_up(database.path.with_name(f"{database.path.name}.before-{version + 1}"))
    for number in range(version + 1, len(migrations) + 1):
        with database.transaction():
            # Asked again inside: another process may have been here first.
            if database.number("PRAGMA user_version") < number:
                _apply(database, number, migrations[number - 1], now)


def _apply(database: Database, number: int, migration: Migration, now: datetime) -> None:
    name, statements = migration
    for statement in statements:
        database.execute(statement)
    database.execute("INSERT INTO migrations VALUES (?, ?, ?, ?)", (number, name, moment_text(now), __version__))
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {number}")
