"""The tables of the ledger, as numbered migrations.

A migration is never changed; new ones are added at the end.

Moments are text in UTC, of one width. The rules that prevent a second mail are in the database, so that no fault in
the rest of the program can break them: one row for each round and person, one mail for each round and address, and
only the transitions of :class:`~mkwmail.ledger.models.State`.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mkwmail import __version__
from mkwmail.errors import ExitCode, user_error
from mkwmail.i18n import _
from mkwmail.ledger.database import APPLICATION_ID, Database, as_int
from mkwmail.ledger.models import moment_text

Migration = tuple[str, tuple[str, ...]]


def _statements(name: str) -> tuple[str, ...]:
    text = re.sub(r"^--.*\n", "", Path(__file__).with_name(name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return tuple(each.strip().removesuffix(";") for each in text.split(";\n\n"))


MIGRATIONS: tuple[Migration, ...] = (("the tables", _statements("schema.sql")),)

#: The number of the first migration. Versions that were never released had other ones, numbered from 1.
FIRST = 20


def version_of(database: Database) -> int:
    """Return the number of the file's newest migration; 0 without tables.

    :raises UserError: code LEDGER_FAULT if the file is damaged, is another program's database, or was written by a
        version that was never released.
    """
    # In one statement: another process may be making the tables at this moment.
    ((version, application, tables),) = database.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_user_version, pragma_application_id"
    )
    if application == version == tables == 0:
        return 0
    words = {"file": database.path.name, "program": __version__}
    if application != APPLICATION_ID:
        fault = _("%(file)s is not a ledger of mkwmail")
        remedy = _("move it elsewhere, and put the ledger in its place")
        raise user_error(str(database.path), fault, remedy, code=ExitCode.LEDGER_FAULT, **words)
    number = as_int(version)
    if number < FIRST:
        fault = _("%(file)s was written by a mkwmail that was never released; this one (%(program)s) cannot read it")
        remedy = _(
            "finish the events in this folder with the mkwmail that wrote it, and make a new folder for later events: "
            "mkwmail init; a new ledger does not know who was mailed from this one"
        )
        raise user_error(str(database.path), fault, remedy, code=ExitCode.LEDGER_FAULT, **words)
    return number


def migrate(database: Database, now: datetime, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Apply the migrations that the file has not had, each in one transaction.

    If the file had tables, a whole copy is kept next to it first. The first of ``migrations`` has the number
    :data:`FIRST`.

    :raises UserError: code LEDGER_FAULT if the ledger was written by a newer program; what :func:`version_of` raises.
    """
    version, newest = version_of(database), FIRST + len(migrations) - 1
    if version > newest:
        fault = _("%(file)s was written by a newer mkwmail than this one (%(program)s)")
        words = {"file": database.path.name, "program": __version__}
        remedy = _("install the newest mkwmail: pip install --upgrade mkwmail")
        raise user_error(str(database.path), fault % words, remedy, code=ExitCode.LEDGER_FAULT)
    if 0 < version < newest:
        database.back_up(database.path.with_name(f"{database.path.name}.before-{version + 1}"))
    for number in range(max(version + 1, FIRST), newest + 1):
        with database.transaction():
            # Read again inside the transaction: another process may have applied it already.
            if database.number("PRAGMA user_version") < number:
                _apply(database, number, migrations[number - FIRST], now)


def _apply(database: Database, number: int, migration: Migration, now: datetime) -> None:
    name, statements = migration
    for statement in statements:
        database.execute(statement)
    database.execute("INSERT INTO migrations VALUES (?, ?, ?, ?)", (number, name, moment_text(now), __version__))
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {number}")
