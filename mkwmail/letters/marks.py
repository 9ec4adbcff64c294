"""Merge marks: what a member's value prints as while a letter is composed.

A mark is ASCII letters and digits only, so that Markdown, links and css-inline take it for a word. Its prefix is
chosen so that no input holds it.
"""

import re
from dataclasses import dataclass
from itertools import count

_END = "z"


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one composing: a prefix and the fields it numbers, in a fixed order."""

    prefix: str
    fields: tuple[str, ...]

    def of(self, field: str) -> str:
        """The mark of a field, such as ``signup_link``."""
        return f"{self.prefix}{self.fields.index(field)}{_END}"

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds marks; group 1 is the field's number."""
        return re.compile(f"{self.prefix}([0-9]+){_END}")

    def split(self, text: str) -> list[tuple[str, str | None]]:
        """The text cut at its marks: pairs of the text before, and the field of the mark (None at the end)."""
        pieces: list[tuple[str, str | None]] = []
        at = 0
        for found in self.pattern.finditer(text):
            pieces.append((text[at : found.start()], self.fields[int(found[1])]))
            at = found.end()
        pieces.append((text[at:], None))
        return pieces


class TakenMarks:
    """Finds a prefix for marks that no text holds.

    It is the same for the same texts: a letter composed again has the same bytes.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def look_at(self, text: str) -> None:
        """Prefixes that stand in this text are taken."""
        self._taken.update(_LOOKS_LIKE_ONE.findall(text.casefold()))

    @property
    def free_prefix(self) -> str:
        """The first prefix that stands in none of the texts."""
        return next(f"Qm{number}w" for number in count() if str(number) not in self._taken)


_LOOKS_LIKE_ONE = re.compile("qm([0-9]+)w")
