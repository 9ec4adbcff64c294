"""Mails as files that any mail program opens."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.system import for_the_owner, reason_of


def write_mails(folder: Path, mails: Iterable[tuple[str, bytes]]) -> int:
    """Write each mail (whose, bytes) as an ``.eml`` file for the owner alone, numbered in their order; how many.

    :raises UserError: where the folder or a file cannot be written.
    """
    count = 0
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for count, (whose, data) in enumerate(mails, start=1):
            with open(folder / f"{count:03}-{file_word(whose)}.eml", "wb", opener=for_the_owner) as file:
                file.write(data)
    except OSError as error:
        fault = Fault(str(folder), _("cannot be written: %(why)s") % {"why": reason_of(error)})
        raise UserError(fault, code=ExitCode.LEDGER_FAULT) from None
    return count


def file_word(text: str) -> str:
    """A name as part of a file name on any system.

    >>> file_word("Noëlle van 't Hof")
    'noelle-van-t-hof'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "mail"
