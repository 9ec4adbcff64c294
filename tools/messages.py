"""The catalogues of the program's messages: ``make messages`` brings them up to date, and every build compiles them.

Every message of the source is in each catalogue once; a translation stays as long as its message is unchanged,
and a changed message begins empty: a translation is never guessed.
"""

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mkwmail"
LOCALE = PACKAGE / "locale"


def messages() -> Catalog:
    """Every message of the source, without translations, each with the files that say it."""
    found = Catalog(project="mkwmail", fuzzy=False)
    for name, _line, message, _comments, _context in extract_from_dir(
        PACKAGE, method_map=[("**.py", "python")], keywords={"_": None, "ngettext": (1, 2)}
    ):
        found.add(message, locations=[(f"mkwmail/{name}", 0)])
    return found


def catalogue_path(language: str) -> Path:
    """Return the path of a language's catalogue."""
    return LOCALE / language / "LC_MESSAGES" / "mkwmail.po"


def catalogue(language: str) -> Catalog:
    """A language's catalogue as it is."""
    with catalogue_path(language).open("rb") as file:
        return read_po(file, locale=language)


def as_text(book: Catalog) -> str:
    """A catalogue as its file holds it: by message, without line numbers, so that only changed messages change it."""
    for message in book:
        message.locations = sorted({(name, 0) for name, _line in message.locations})
        message.flags.discard("python-format")
    written = io.BytesIO()
    write_po(written, book, width=110, sort_by_file=True, omit_header=False, include_lineno=False)
    return (
        "\n".join(
            line for line in written.getvalue().decode().splitlines() if not line.startswith('"POT-Creation-Date')
        )
        + "\n"
    )


def compiled(language: str) -> Path:
    """Write the file that the program reads next to its catalogue, and return its path."""
    target = catalogue_path(language).with_suffix(".mo")
    with target.open("wb") as file:
        write_mo(file, catalogue(language))
    return target


def update(language: str) -> tuple[int, int]:
    """Rewrite a language's catalogue; return its number of messages, and of those without translation."""
    book = catalogue(language)
    book.update(messages(), no_fuzzy_matching=True)
    book.obsolete.clear()
    catalogue_path(language).write_text(as_text(book), encoding="utf-8")
    missing = [message for message in book if message.id and not all(_texts(message.string))]
    return len(book), len(missing)


def _texts(string: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (string or "",) if isinstance(string, str | None) else tuple(string)


if __name__ == "__main__":
    for folder in sorted(LOCALE.iterdir()):
        if "--compile" in sys.argv:
            compiled(folder.name)
        else:
            total, missing = update(folder.name)
            print(f"{catalogue_path(folder.name).relative_to(ROOT)}: {total} messages, {missing} to translate")
