"""Files of one person: certificates, and attachments for that person alone.

Their exact bytes are kept, so that a retry sends the same ones, and so that it can be shown for years what a person
was sent.
"""

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from mkwmail.errors import ExitCode, user_error
from mkwmail.i18n import _
from mkwmail.ledger.database import Database, columns, records
from mkwmail.ledger.models import Credit

_QUICKLY = 1_000_000  # octets; such a file is compressed already as a rule


class KeptCertificate(NamedTuple):
    """A certificate that was made for a person.

    ``content`` is what it says, ``sha256`` the SHA-256 of the PDF.
    """

    person: str
    number: str
    content: Mapping[str, object]
    sha256: str
    at: datetime


def keep_file(database: Database, event: str, person: str, data: bytes) -> str:
    """Keep a person's file, compressed, and each content once; return its SHA-256 in hex."""
    name = hashlib.sha256(data).hexdigest()
    with database.transaction():
        if not database.number("SELECT count(*) FROM files WHERE sha256 = ?", (name,)):
            body = zlib.compress(data, 1 if len(data) > _QUICKLY else 6)
            database.execute("INSERT OR IGNORE INTO files VALUES (?, ?)", (name, body))
        database.execute("INSERT OR IGNORE INTO files_of VALUES (?, ?, ?)", (event, person, name))
    return name


def has_file(database: Database, event: str, person: str, sha256: str) -> bool:
    """Check whether a person's file is kept."""
    values = (event, person, sha256)
    return bool(database.number("SELECT count(*) FROM files_of WHERE (event, person, sha256) = (?, ?, ?)", values))


def file(database: Database, sha256: str) -> bytes:
    """Return a file by its SHA-256.

    :raises UserError: code LEDGER_FAULT if the ledger's copy is not that file.
    """
    for (body,) in database.execute("SELECT body FROM files WHERE sha256 = ?", (sha256,)):
        if isinstance(body, bytes):
            data = zlib.decompress(body)
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
    fault = _("the ledger's copy of a personal file is not what was sent")
    raise user_error(str(database.path), fault, _("restore the ledger from a backup"), code=ExitCode.LEDGER_FAULT)


def certificates(database: Database, event: str) -> dict[str, KeptCertificate]:
    """Return person → the newest certificate that was made for them."""
    rows = database.execute(
        "SELECT person, number, content, sha256, at FROM certificates WHERE event = ? ORDER BY id", (event,)
    )
    return {each.person: each for each in records(KeptCertificate, rows)}


def certificates_of_person(database: Database, person: str) -> int:
    """Return for how many events a certificate was made for a person."""
    return database.number("SELECT count(DISTINCT event) FROM certificates WHERE person = ?", (person,))


def keep_certificates(database: Database, event: str, made: Iterable[tuple[KeptCertificate, bytes]]) -> None:
    """Keep certificates with their PDFs, all or none."""
    with database.transaction():
        for each, data in made:
            keep_file(database, event, each.person, data)
            database.execute(
                "INSERT INTO certificates (event, person, number, content, sha256, at) VALUES (?, ?, ?, ?, ?, ?)",
                (event, *columns(each)),
            )


def credits_of(database: Database, event: str) -> dict[str, Credit]:
    """Return person → their own hours and points."""
    rows = database.execute("SELECT person, hours, points FROM credits WHERE event = ?", (event,))
    return {str(person): Credit(str(hours), str(points)) for person, hours, points in rows}
