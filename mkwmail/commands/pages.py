"""The preview page: all mails of a mailing in one file to leaf through."""

import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mkwmail.commands.composing import Outgoing
from mkwmail.commands.outputs import replace_file
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.letters.compose import Addressed, Composition
from mkwmail.letters.gallery import gallery_page
from mkwmail.letters.names import Addressee
from mkwmail.report.words import mailing_words
from mkwmail.sources.event import Event
from mkwmail.sources.folder import WorkingFolder
from mkwmail.sources.read import Read
from mkwmail.system import reason_of

PAGE = "index.html"


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


def show_in_browser(folder: WorkingFolder, html: str) -> Path:
    """Open a page in the person's own browser; where it is.

    It holds the members' names and addresses, so it stays inside the working folder, where the next page replaces it
    and ``forget`` and ``purge`` remove it.

    :raises UserError: if it cannot be written there.
    """
    directory = folder.preview_dir
    if directory.is_symlink():
        fault = _("this is a link, and the page with the members' names must stay in the working folder")
        raise UserError(Fault(str(directory), fault, _("remove the link")), code=ExitCode.USAGE)
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        fault = _("cannot be written: %(why)s") % {"why": reason_of(error)}
        raise UserError(Fault(str(directory), fault), code=ExitCode.LEDGER_FAULT) from None
    path = directory / PAGE
    replace_file(path, html.encode())
    webbrowser.open(path.as_uri())
    return path
