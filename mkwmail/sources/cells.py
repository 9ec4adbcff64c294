"""One cell of a table: what is cleaned silently, what is refused, and how it is shown in a message."""

import re
import unicodedata

from mkwmail.language import _

LONGEST_CELL = 32_767  # characters, as in Excel ("Excel specifications and limits")
_SHOWN = 60

# Written by web pages and Outlook, invisible, and without a meaning in a Dutch name or address.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_SPACES = "\t\n\v\f\r"
# Excel's errors in English and Dutch, and the hash marks of a column too narrow for its dates.
_EXCEL_ERROR = re.compile(
    r"#(?:N/A|N/B|REF!|VERW!|NAME\?|NAAM\?|VALUE!|WAARDE!|DIV/0!|DEEL/0!|NULL!|LEEG!|NUM!|GETAL!|##+)", re.IGNORECASE
)


class CellError(ValueError):
    """What is wrong with a value: one plain sentence, and what to write instead."""

    def __init__(self, fault: str, remedy: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.remedy = remedy


def shown_value(text: str) -> str:
    """The text as a message may show it: short, on one line, everything invisible spelled out.

    >>> shown_value("jan\\u202e@x.nl")
    'jan<U+202E>@x.nl'
    """
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in short)


def clean(text: str) -> str:
    """The text trimmed, its white space collapsed, invisible characters left out, letters composed (NFC).

    :raises CellError: where the text holds what nobody typed on purpose: control characters, characters that turn the
        direction of reading (Unicode TR 36 §2.10.1), private-use characters, letters that a wrong encoding has
        spoiled, an error of Excel, or more than a cell can hold.
    """
    if len(text) > LONGEST_CELL:
        raise CellError(
            _("the cell holds %(length)d characters, more than Excel can keep") % {"length": len(text)},
            _("look for a quotation mark that is not closed"),
        )
    if text.isascii() and text.isprintable() and "#" not in text:
        collapsed = " ".join(text.split()) if " " in text else text
        # The text itself where it is clean already: a long list is not held twice.
        return text if collapsed == text else collapsed
    for char in text:
        _refuse(char, text)
    cleaned = unicodedata.normalize("NFC", " ".join(text.translate(_INVISIBLE).split()))
    if _EXCEL_ERROR.fullmatch(cleaned):
        raise excel_error(cleaned)
    _refuse_spoiled(cleaned)
    return cleaned


def excel_error(text: str) -> CellError:
    """The fault of a cell in which Excel shows an error instead of a value."""
    return CellError(
        _("the cell shows %(error)s, an error of Excel, instead of a value") % {"error": text},
        _("mend the formula, or make the column wider, and save the list again"),
    )


def _refuse(char: str, text: str) -> None:
    if char.isprintable() or char in _SPACES or ord(char) in _INVISIBLE or unicodedata.category(char)[0] == "Z":
        return
    raise CellError(
        _('"%(value)s" holds the invisible character U+%(code)04X') % {"value": shown_value(text), "code": ord(char)},
        _("clear the cell and type its text again"),
    )


def _refuse_spoiled(text: str) -> None:
    if "\ufffd" in text:
        raise CellError(
            _('"%(value)s" has lost a letter: another program could not read it') % {"value": shown_value(text)},
            _("type the letter again where the mark � stands"),
        )
    meant = _undone(text)
    if meant != text:
        raise CellError(
            _('"%(value)s" was spoiled by a program that took UTF-8 for Windows-1252') % {"value": shown_value(text)},
            _('write "%(meant)s"') % {"meant": shown_value(meant)},
        )


def _undone(text: str) -> str:
    """The text as it was before UTF-8 was read as Windows-1252: RenÃ© → René; else the text itself."""
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
