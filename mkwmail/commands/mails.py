"""Mails as files that any mail program opens."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mkwmail.commands.outputs import write_outputs
from mkwmail.sources.folder import WorkingFolder


def write_mails(folder: WorkingFolder, directory: Path, mails: Iterable[tuple[str, bytes]]) -> int:
    """Write each mail (whose, bytes) as an ``.eml`` file in a directory, numbered in their order; how many.

    :raises UserError: as :func:`mkwmail.commands.outputs.write_outputs`.
    """
    named = ((f"{number:03}-{file_word(whose)}.eml", data) for number, (whose, data) in enumerate(mails, start=1))
    return write_outputs(folder, directory, named, "mails")


def file_word(text: str) -> str:
    """A name as part of a file name on any system.

    >>> file_word("Noëlle van 't Hof")
    'noelle-van-t-hof'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "mail"
