"""The preview page: all mails of a mailing in one file to leaf through."""

import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mkwmail.commands.composing import Outgoing
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.letters.compose import Addressed, Composition
from mkwmail.letters.gallery import gallery_page
from mkwmail.letters.names import Addressee
from mkwmail.report.words import mailing_words
from mkwmail.sources.event import Event
from mkwmail.sources.read import Read
from mkwmail.system import for_the_owner, reason_of


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows: an event's mailing, dated ``moment``."""

    event: Read[Event]
    mailing: str
    outgoing: Sequence[Outgoing]
    moment: datetime

    def html(self, one_per_letter: bool = False) -> str:
        """The page; ``one_per_letter``: one mail of each variant, without anybody's name or address."""
        outgoing = tuple(self.outgoing)
        addressed = tuple(map(_addressed, outgoing))
        composition = Composition(addressed, tuple(each.letter for each in addressed))
        return gallery_page(
            composition,
            title=f"{self.event.value.title}: {mailing_words(self.mailing)}",
            moment=self.moment,
            message_ids={each.planned.person: each.message_id for each in outgoing},
            warnings=tuple(str(warning) for warning in self.event.warnings),
            one_per_letter=one_per_letter,
        )


def _addressed(each: Outgoing) -> Addressed:
    if each.addressed is not None:
        return each.addressed
    # An earlier try: its letter and values are those that were kept.
    addressee = Addressee(each.planned.person, each.planned.member, code="")
    return Addressed(addressee, each.letter, each.values)


def write_page(path: Path, html: str) -> None:
    """Write a page that only its owner can read: it holds the members' names and addresses.

    :raises UserError: where it cannot be written.
    """
    try:
        with open(path, "w", encoding="utf-8", opener=for_the_owner) as file:
            file.write(html)
    except OSError as error:
        fault = Fault(str(path), _("cannot be written: %(why)s") % {"why": reason_of(error)})
        raise UserError(fault, code=ExitCode.LEDGER_FAULT) from None


def show_in_browser(html: str) -> Path:
    """Open a page in the person's own browser; where it lies.

    :raises UserError: where it cannot be written.
    """
    path = Path(tempfile.mkdtemp(prefix="mkwmail-"), "preview.html")
    write_page(path, html)
    webbrowser.open(path.as_uri())
    return path
