"""Columns of a row as Python values.

A column that is never NULL has a reader that returns its type; the others return None for NULL. Text is read with
``str()``.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mkwmail.clock import ZONE
from mkwmail.ledger.database import Row, Value
from mkwmail.ledger.models import Round


def as_int(value: Value) -> int:
    """Return a whole number; 0 for NULL."""
    return int(value or 0)


def as_moment(value: Value) -> datetime:
    """Return a moment, in Europe/Amsterdam.

    :func:`~mkwmail.ledger.models.moment_text` wrote it.
    """
    return datetime.fromisoformat(str(value)).astimezone(ZONE)


def as_mapping(value: Value) -> dict[str, Any]:
    """Return a JSON object; an empty one for NULL."""
    read: dict[str, Any] = json.loads(str(value)) if value else {}
    return read


def as_round(event: Value, mailing: Value, edition: Value) -> Round:
    """Return the round that these three columns identify."""
    return Round(str(event), str(mailing), as_int(edition))


def as_texts(row: Row) -> tuple[str, ...]:
    """Return the columns of a row that has only text."""
    return tuple(map(str, row))


def as_column(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the text of each row of a query that selects one column."""
    return tuple(str(text) for (text,) in rows)


def int_or_none(value: Value) -> int | None:
    """Return a whole number, or None."""
    return None if value is None else int(value)


def text_or_none(value: Value) -> str | None:
    """Return text, or None."""
    return None if value is None else str(value)


def moment_or_none(value: Value) -> datetime | None:
    """Return a moment as :func:`as_moment` does, or None."""
    return as_moment(value) if value else None
