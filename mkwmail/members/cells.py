"""One cell of a table: what is cleaned silently, what is refused, and how it is shown in a message."""

import difflib
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from mkwmail.addresses import mailable
from mkwmail.i18n import _

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


_IN_BRACKETS = re.compile(r".*<\s*(?:mailto:)?([^<>]*?)\s*>\s*[;,.]?")
_BETWEEN = re.compile(r"[\s;,/|&]+|\s+(?:en|of|and|or)\s+")
_EDGES = " .;,:'\"<>()[]"

# Domains of mailboxes at home that people mistype; a corporation's own domain is known to nobody but itself.
_COMMON_DOMAINS = (
    *("gmail.com", "googlemail.com", "hotmail.com", "hotmail.nl", "outlook.com", "live.nl", "live.com", "icloud.com"),
    *("me.com", "msn.com", "yahoo.com", "protonmail.com", "proton.me", "ziggo.nl", "kpnmail.nl", "kpnplanet.nl"),
    *("planet.nl", "hetnet.nl", "home.nl", "xs4all.nl", "upcmail.nl", "casema.nl", "quicknet.nl", "solcon.nl"),
    *("chello.nl", "tele2.nl", "telfort.nl", "online.nl"),
)
_ALIKE = 0.85  # of difflib's ratio: a letter or two apart


def read_address(text: str) -> str:
    """The one address in a cleaned, filled cell: ASCII, the domain in punycode.

    :raises CellError: with the value, and with the address that was probably meant where that is clear.
    """
    try:
        return mailable(text)
    except ValueError as error:
        raise _wrong(text, str(error)) from None


def likely_meant(address: str) -> str | None:
    """The address with the well-known domain that this one's domain is a slip of (gmial.com, hotmal.com); else None.

    Letters that changed places, one too many or one too few: another letter may be another company.
    """
    local, _at, domain = address.casefold().rpartition("@")
    meant = _domain_meant(domain)
    return f"{local}@{meant}" if meant else None


@lru_cache(maxsize=1024)  # a list has many addresses of few domains
def _domain_meant(domain: str) -> str | None:
    # difflib looks at the lengths too, but only after the letters were taken apart.
    alike = [each for each in _COMMON_DOMAINS if 2 * min(len(each), len(domain)) >= _ALIKE * (len(each) + len(domain))]
    near = difflib.get_close_matches(domain, alike, n=1, cutoff=_ALIKE)
    if not near or near[0] == domain:
        return None
    return near[0] if len(near[0]) != len(domain) or sorted(near[0]) == sorted(domain) else None


def _wrong(text: str, reason: str) -> CellError:
    value = {"value": shown_value(text)}
    several = _several(text)
    if several:
        return CellError(
            _('"%(value)s" holds more than one address') % value,
            _("keep %(address)s here and give every further person a row of their own") % {"address": several[0]},
        )
    remedy = _remedy(text)
    for matches, sentence in _sentences(text):
        if matches:
            return CellError(sentence % value, remedy)
    return CellError(
        _('"%(value)s" is not an address that can be mailed: %(reason)s') % {**value, "reason": reason.rstrip(".")},
        remedy,
    )


def _remedy(text: str) -> str:
    meant = next(filter(_is_mailable, _repairs(text)), None)
    if meant:
        return _('write "%(address)s"') % {"address": meant}
    guess = next(filter(_is_mailable, _guesses(text)), None)
    if guess:
        return _('probably "%(address)s": ask where you are not sure') % {"address": guess}
    return _("write one address, like jan@example.org")


def _sentences(text: str) -> Iterator[tuple[bool, str]]:
    """Whether a usual mistake was made, and its sentence; the first that was made is told."""
    local, at, domain = text.rpartition("@")
    yield "<" in text, _('"%(value)s" is a name with an address')
    yield text.casefold().startswith("mailto:"), _('"%(value)s" is a link to an address')
    yield not at, _('"%(value)s" has no @')
    yield text.count("@") > 1, _('"%(value)s" has more than one @')
    yield not local, _('"%(value)s" has nothing before the @')
    yield not domain.strip(_EDGES), _('"%(value)s" has nothing after the @')
    yield (
        not local.isascii(),
        _('the part before the @ of "%(value)s" has a letter with an accent, which many mail servers cannot handle'),
    )
    yield text.endswith((".", ";", ",", ":")), _('"%(value)s" has a mark after the address')
    yield text.strip(_EDGES) != text, _('"%(value)s" has a mark around the address')
    yield " " in text, _('"%(value)s" has a space in the address')
    yield "," in text, _('"%(value)s" has a comma where a dot belongs')
    yield ".." in text, _('"%(value)s" has two dots in a row')
    yield "." not in domain, _('"%(value)s" has no dot after the @: an ending like .nl is missing')


def _several(text: str) -> list[str]:
    found = [part.strip(_EDGES) for part in _BETWEEN.split(text) if "@" in part]
    return found if len(found) > 1 and all(map(_is_mailable, found)) else []


def _repairs(text: str) -> Iterator[str]:
    """What was certainly meant: the same letters, without what cannot be part of an address."""
    bracketed = _IN_BRACKETS.fullmatch(text)
    bare = (bracketed[1] if bracketed else text).strip(_EDGES)
    bare = re.sub(r"(?i)^mailto:\s*", "", bare)
    bare = re.sub(r"(?i)\s*[(\[]\s*(?:at|apenstaartje)\s*[)\]]\s*", "@", bare)
    one_at = re.sub(r"[\s@]*@[\s@]*", "@", bare)
    yield from (bare, one_at, re.sub(r"\s*[,.]+\s*", ".", one_at))


def _guesses(text: str) -> Iterator[str]:
    """What was probably meant: a letter may be another's address."""
    *_others, dotted = _repairs(text)
    tight = "@".join(part.strip(".") for part in re.sub(r"\s+", "", dotted).split("@"))
    yield from (tight, _without_accents(tight))


def _without_accents(address: str) -> str:
    local, at, domain = address.rpartition("@")
    plain = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode()
    return f"{plain}{at}{domain}"


def _is_mailable(text: str) -> bool:
    try:
        mailable(text)
    except ValueError:
        return False
    return True
