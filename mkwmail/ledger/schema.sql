-- The tables of the ledger. This file is never changed: what comes later is another migration (schema.py).
-- Statements have an empty line between them. Moments are text in UTC, of one width.

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT NOT NULL, program TEXT NOT NULL
) STRICT;

CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    secret BLOB NOT NULL CHECK (length(secret) = 32),
    computer TEXT NOT NULL,
    made TEXT NOT NULL
) STRICT;

-- In each table, `user` is the user's name on the computer; empty if it is not known.
-- The token identifies a run that mailed, outside the working folder (mkwmail.ledger.last_seen).
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    command TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, token TEXT,
    "user" TEXT NOT NULL DEFAULT ''
) STRICT;

-- `successor`: the key of the person who took over the address or the place of somebody who left; empty if
-- nobody did.
CREATE TABLE persons (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL, organisation TEXT NOT NULL, number TEXT NOT NULL,
    since TEXT NOT NULL,
    successor TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE former_addresses (
    person TEXT NOT NULL REFERENCES persons (key), address TEXT NOT NULL, until TEXT NOT NULL,
    PRIMARY KEY (person, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE rounds (
    id INTEGER PRIMARY KEY,
    event TEXT NOT NULL CHECK (event <> ''),
    mailing TEXT NOT NULL CHECK (mailing <> ''),
    edition INTEGER NOT NULL CHECK (edition >= 0),
    UNIQUE (event, mailing, edition)
) STRICT;

CREATE TABLE approvals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL, mailing TEXT NOT NULL, sources TEXT NOT NULL, at TEXT NOT NULL,
    "user" TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX approvals_of ON approvals (event, mailing, id);

CREATE TABLE letters (hash TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;

-- Append-only: an attempt is never rewritten; its end is a row in results. AUTOINCREMENT: a number is
-- never used again, so an entry of the wire journal always means the same attempt. Queries that a command
-- runs once, by person or by time, have no index: it would have to be updated for every message.
CREATE TABLE attempts (
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
) STRICT;

CREATE TABLE results (
    attempt INTEGER PRIMARY KEY REFERENCES attempts (id),
    state TEXT NOT NULL CHECK (state IN ('sent', 'refused', 'deferred', 'in doubt', 'planned')),
    code INTEGER, reason TEXT NOT NULL, not_before TEXT,
    at TEXT NOT NULL
) STRICT;

-- With a rowid the rows are in the order of their first claims. In the order of the persons, whose keys are
-- random, each claim and each result would change another page of the file.
CREATE TABLE deliveries (
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
) STRICT;

CREATE UNIQUE INDEX one_mail_for_an_address ON deliveries (round, address_key)
    WHERE state IN ('sending', 'sent', 'in doubt');

CREATE INDEX sending_now ON deliveries (attempt) WHERE state = 'sending';

CREATE TRIGGER a_delivery_begins BEFORE INSERT ON deliveries
    WHEN NEW.state NOT IN ('sending', 'expired')
    BEGIN SELECT RAISE(ABORT, 'a delivery begins with its claim'); END;

-- A person's word can be taken back. The last of them: a message that bounced was sent, but did not arrive;
-- the report is the proof.
CREATE TRIGGER a_delivery_goes_on BEFORE UPDATE OF state ON deliveries
    WHEN NOT (
        OLD.state = 'planned' AND NEW.state IN ('sending', 'expired')
        OR OLD.state = 'sending'
           AND NEW.state IN ('sent', 'refused', 'deferred', 'in doubt', 'planned')
        OR OLD.state = 'deferred' AND NEW.state IN ('sending', 'expired')
        OR OLD.state = 'expired' AND NEW.state = 'sending'
        OR OLD.state = 'refused' AND NEW.state = 'sending' AND NEW.address_key <> OLD.address_key
        OR OLD.state IN ('in doubt', 'refused') AND NEW.state IN ('sent', 'planned')
           AND EXISTS (SELECT 1 FROM resolutions WHERE attempt = OLD.attempt
                       AND word = iif(NEW.state = 'sent', 'sent', 'send-again'))
        OR OLD.state IN ('sent', 'planned') AND NEW.state IN ('sent', 'planned')
           AND (SELECT word FROM resolutions WHERE attempt = OLD.attempt ORDER BY rowid DESC LIMIT 1)
               = iif(NEW.state = 'sent', 'sent', 'send-again')
           AND EXISTS (SELECT 1 FROM resolutions WHERE attempt = OLD.attempt
                       AND word = iif(OLD.state = 'sent', 'sent', 'send-again'))
        OR OLD.state IN ('sent', 'in doubt') AND NEW.state = 'refused'
           AND EXISTS (SELECT 1 FROM bounces WHERE attempt = OLD.attempt AND verdict <> 'delayed')
    )
    BEGIN SELECT RAISE(ABORT, 'no such step in the state of a delivery'); END;

CREATE TABLE resolutions (
    attempt INTEGER NOT NULL REFERENCES attempts (id),
    word TEXT NOT NULL CHECK (word IN ('sent', 'send-again')), at TEXT NOT NULL,
    "user" TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX resolutions_of ON resolutions (attempt);

CREATE TABLE skips (
    id INTEGER PRIMARY KEY,
    round INTEGER NOT NULL REFERENCES rounds (id),
    person TEXT NOT NULL REFERENCES persons (key),
    reason TEXT NOT NULL CHECK (reason <> ''), at TEXT NOT NULL
) STRICT;

CREATE INDEX skips_of ON skips (round, person, id);

CREATE TABLE lists (
    id INTEGER PRIMARY KEY,
    round INTEGER NOT NULL REFERENCES rounds (id),
    size INTEGER NOT NULL CHECK (size >= 0), at TEXT NOT NULL
) STRICT;

CREATE TABLE facts (
    event TEXT NOT NULL, version INTEGER NOT NULL CHECK (version >= 0),
    document TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (event, version)
) STRICT, WITHOUT ROWID;

-- Written with the claim: facts that may have reached a person count as told.
CREATE TABLE carried (
    attempt INTEGER PRIMARY KEY REFERENCES attempts (id),
    event TEXT NOT NULL, version INTEGER NOT NULL,
    method TEXT NOT NULL,
    FOREIGN KEY (event, version) REFERENCES facts (event, version)
) STRICT;

CREATE TABLE answers (
    id INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES persons (key),
    answer TEXT NOT NULL CHECK (answer IN ('attending', 'declined', 'tentative', 'present', 'absent')),
    source TEXT NOT NULL,
    given TEXT NOT NULL,
    sequence INTEGER,
    at TEXT NOT NULL,
    comment TEXT NOT NULL DEFAULT '', "user" TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX answers_of ON answers (event, person);

CREATE TABLE stray_answers (
    id INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    person TEXT REFERENCES persons (key),
    address TEXT NOT NULL, answer TEXT NOT NULL, given TEXT NOT NULL, at TEXT NOT NULL,
    comment TEXT NOT NULL DEFAULT '', delegate TEXT NOT NULL DEFAULT '', starts TEXT, ends TEXT,
    UNIQUE (event, address, answer, given)
) STRICT;

-- The newest row of a mailing is in force; a row without an approval withdraws it.
CREATE TABLE go_aheads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL, mailing TEXT NOT NULL,
    approval INTEGER REFERENCES approvals (id),
    opens TEXT NOT NULL, latest TEXT NOT NULL,
    terms TEXT NOT NULL, persons TEXT NOT NULL, others INTEGER NOT NULL CHECK (others IN (0, 1)),
    at TEXT NOT NULL,
    "user" TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX go_aheads_of ON go_aheads (event, mailing, id);

CREATE TABLE reported (
    name TEXT PRIMARY KEY, first TEXT NOT NULL, said TEXT, mailed TEXT
) STRICT, WITHOUT ROWID;

-- The last version of each row of an export; `person` is NULL as long as it is not certain whose row it is;
-- `maybe`: the persons who it may be, as JSON; `holder`: the person at its own address.
CREATE TABLE signups (
    event TEXT NOT NULL, key TEXT NOT NULL,
    person TEXT REFERENCES persons (key),
    digest TEXT NOT NULL, answer TEXT NOT NULL,
    name TEXT NOT NULL, address TEXT NOT NULL, organisation TEXT NOT NULL, number TEXT NOT NULL,
    moment TEXT,
    asked TEXT NOT NULL, dietary TEXT NOT NULL,
    doubt TEXT NOT NULL, gone TEXT, at TEXT NOT NULL,
    companions INTEGER NOT NULL DEFAULT 0, maybe TEXT NOT NULL DEFAULT '[]',
    holder TEXT REFERENCES persons (key),
    PRIMARY KEY (event, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE guests (
    event TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES persons (key),
    name TEXT NOT NULL, address TEXT NOT NULL, organisation TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (event, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE bounces (
    id INTEGER PRIMARY KEY,
    attempt INTEGER NOT NULL REFERENCES attempts (id),
    verdict TEXT NOT NULL CHECK (verdict <> ''), reply TEXT NOT NULL,
    said INTEGER NOT NULL CHECK (said IN (0, 1)),
    digest TEXT NOT NULL, at TEXT NOT NULL,
    UNIQUE (attempt, digest)
) STRICT;

-- The newest row of a person and event is in force; an empty event means all events.
CREATE TABLE left_out (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (key),
    event TEXT NOT NULL, reason TEXT NOT NULL CHECK (reason <> ''),
    undone INTEGER NOT NULL CHECK (undone IN (0, 1)), at TEXT NOT NULL,
    "user" TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE forgotten (
    person TEXT NOT NULL REFERENCES persons (key), mark TEXT NOT NULL,
    PRIMARY KEY (person, mark)
) STRICT, WITHOUT ROWID;

-- `totals`: answer → how many people gave it, as JSON.
CREATE TABLE purged (event TEXT PRIMARY KEY, totals TEXT NOT NULL, at TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- One row as long as deleted data must still be wiped from the file.
CREATE TABLE to_wipe (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT;

-- Both mailings are empty in a row about events.
CREATE TABLE told_apart (
    event TEXT NOT NULL, mailing TEXT NOT NULL,
    earlier_event TEXT NOT NULL, earlier_mailing TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (event, mailing, earlier_event, earlier_mailing)
) STRICT, WITHOUT ROWID;

-- `earlier`: what it replaced, as JSON. The newest is undone first.
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL, what TEXT NOT NULL, earlier TEXT NOT NULL, at TEXT NOT NULL,
    "user" TEXT NOT NULL DEFAULT ''
) STRICT;

-- A person's decisions about a form: the meaning of a heading, or the answer that words stand for.
CREATE TABLE form_words (
    event TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('column', 'answer')),
    words TEXT NOT NULL, meaning TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (event, kind, words)
) STRICT, WITHOUT ROWID;

CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES persons (key),
    caller TEXT NOT NULL, note TEXT NOT NULL, at TEXT NOT NULL,
    "user" TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE proofs (
    id INTEGER PRIMARY KEY,
    event TEXT NOT NULL, mailing TEXT NOT NULL,
    address TEXT NOT NULL, sources TEXT NOT NULL, at TEXT NOT NULL
) STRICT;

CREATE TABLE backups (path TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE files (sha256 TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;

CREATE TABLE files_of (
    event TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES persons (key),
    sha256 TEXT NOT NULL REFERENCES files (sha256),
    PRIMARY KEY (event, person, sha256)
) STRICT, WITHOUT ROWID;

-- `content`: what the certificate says, as JSON; the newest of a person and event is in force.
CREATE TABLE certificates (
    id INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES persons (key),
    number TEXT NOT NULL, content TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES files (sha256),
    at TEXT NOT NULL
) STRICT;

-- Hours and points of a person that differ from the event's; empty: the event's.
CREATE TABLE credits (
    event TEXT NOT NULL,
    person TEXT NOT NULL REFERENCES persons (key),
    hours TEXT NOT NULL, points TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (event, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE mailbox_positions (
    account TEXT NOT NULL, folder TEXT NOT NULL,
    validity INTEGER NOT NULL, uid INTEGER NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (account, folder)
) STRICT;

CREATE TABLE mailbox_failing (since TEXT NOT NULL, until TEXT) STRICT;

-- The mails that were counted: never their texts.
CREATE TABLE mailbox_mails (
    digest TEXT PRIMARY KEY, kind TEXT NOT NULL,
    event TEXT NOT NULL, person TEXT REFERENCES persons (key),
    folder TEXT NOT NULL, message_id TEXT NOT NULL, at TEXT NOT NULL, settled TEXT
) STRICT;

-- The evidence that settled a message in doubt.
CREATE TABLE findings (
    attempt INTEGER PRIMARY KEY REFERENCES attempts (id),
    how TEXT NOT NULL CHECK (how IN ('sent', 'report', 'reply')), at TEXT NOT NULL
) STRICT;

-- Mailings that may have been sent between two moments, of which a backup that was put back knows nothing.
CREATE TABLE unsure (
    event TEXT NOT NULL, mailing TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL,
    PRIMARY KEY (event, mailing)
) STRICT, WITHOUT ROWID;

-- The newest row is in force. 'out': the folder was handed over, and nothing is sent from it.
CREATE TABLE handovers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    way TEXT NOT NULL CHECK (way IN ('out', 'in', 'undone')),
    file TEXT NOT NULL, "user" TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
