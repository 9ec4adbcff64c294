"""Cells of a table: clean a text, read an address, show a value."""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from mkwmail.addresses import mailable
from mkwmail.dutch.names import TITLES_BEFORE, is_prefix, read_title, title_words
from mkwmail.i18n import _

LONGEST_CELL = 32_767  # characters, as in Excel ("Excel specifications and limits")
_SHOWN = 60

# Web pages and Outlook write them; they are invisible and mean nothing in a Dutch name or address.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufe0f\ufeff"))
_SPACES = "\t\n\v\f\r"
# Excel's errors in English and Dutch, and the hash marks that a column shows if it is too narrow for its dates.
_EXCEL_ERROR = re.compile(
    r"#(?:N/A|N/B|REF!|VERW!|NAME\?|NAAM\?|VALUE!|WAARDE!|DIV/0!|DEEL/0!|NULL!|LEEG!|NUM!|GETAL!|##+)", re.IGNORECASE
)


# Words that people write instead of an address.
_NO_ADDRESS = frozenset(
    (
        *("-", "--", "geen", "nvt", "n.v.t.", "n.v.t", "onbekend", "none", "n/a", "unknown", "?", "post", "per post"),
        *("per brief", "brief", "telefonisch", "per telefoon", "nnb", "n.n.b.", "ntb", "volgt", "volgt nog"),
    )
)
# Words that people write instead of a value that is in the row above.
_AS_ABOVE = frozenset(("idem", "id.", "ditto", '"', "''", "”", "„", "〃", "^", "zie boven"))
_LONGEST_AS_ABOVE = max(map(len, _AS_ABOVE))


class CellError(ValueError):
    """A fault in a value, in one plain sentence.

    ``remedy`` is what to write instead; it may be empty.
    """

    def __init__(self, fault: str, remedy: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.remedy = remedy


def shown_value(text: str) -> str:
    """Return the text for a message: short, on one line.

    Invisible characters are spelled out.

    >>> shown_value("jan\\u202e@x.nl")
    'jan<U+202E>@x.nl'
    """
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in short)


def clean(text: str) -> str:
    """Return the text trimmed, with white space collapsed.

    Invisible characters are removed and letters composed (NFC).

    :raises CellError: if the text holds anything that people do not type on purpose: control characters, characters
        that reverse the reading direction (Unicode TR 36 §2.10.1), private-use characters, letters spoiled by a wrong
        encoding, an error of Excel, or more characters than a cell can hold.
    """
    if len(text) > LONGEST_CELL:
        raise CellError(
            _("the cell holds %(length)d characters, more than Excel can keep") % {"length": len(text)},
            _("look for a quotation mark that is not closed"),
        )
    if text.isascii() and text.isprintable() and "#" not in text:
        # The text itself if it is already clean, so that a long list is not held in memory twice.
        return " ".join(text.split()) if "  " in text else text.strip()
    for char in text:
        _refuse(char, text)
    cleaned = unicodedata.normalize("NFC", " ".join(text.translate(_INVISIBLE).split()))
    if _EXCEL_ERROR.fullmatch(cleaned):
        raise excel_error(cleaned)
    _refuse_spoiled(cleaned)
    return cleaned


def excel_error(text: str) -> CellError:
    """Return the fault of a cell that shows an Excel error, not a value."""
    return CellError(
        _("the cell shows %(error)s, an error of Excel, instead of a value") % {"error": text},
        _("correct the formula, or make the column wider, and save the list again"),
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
            _("type the letter again at the mark �"),
        )
    meant = _undone(text)
    if meant != text:
        raise CellError(
            _('"%(value)s" was damaged by a program that took UTF-8 for Windows-1252') % {"value": shown_value(text)},
            _('write "%(meant)s"') % {"meant": shown_value(meant)},
        )


def _undone(text: str) -> str:
    """Return the text as it was before a wrong decoding.

    That is UTF-8 read as Windows-1252 (RenÃ© becomes René); any other text is returned unchanged.
    """
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


_IN_BRACKETS = re.compile(r".*<\s*([^<>]*?)\s*>\s*[;,.]?")
_LINK = re.compile(r"mailto:\s*([^?]*)(?:\?.*)?", re.IGNORECASE)
# The forms of a hyphen, an apostrophe and an @ in Word and on web pages.
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u2032\u00b4\uff07"), "'")
_TYPOGRAPHY = _HYPHENS | _APOSTROPHES | {ord("\uff20"): "@", ord("\uff0e"): ".", **dict.fromkeys(map(ord, "“”„«»"))}
_BETWEEN = re.compile(r"[\s;,/|&]+|\s+(?:en|of|and|or)\s+")
_EDGES = " .;,:'\"<>()[]"

# Domains of private mailboxes that people mistype. A corporation's own domain cannot be checked this way.
_COMMON_DOMAINS = (
    *("gmail.com", "googlemail.com", "hotmail.com", "hotmail.nl", "outlook.com", "live.nl", "live.com", "icloud.com"),
    *("me.com", "msn.com", "yahoo.com", "protonmail.com", "proton.me", "ziggo.nl", "kpnmail.nl", "kpnplanet.nl"),
    *("planet.nl", "hetnet.nl", "home.nl", "xs4all.nl", "upcmail.nl", "casema.nl", "quicknet.nl", "solcon.nl"),
    *("chello.nl", "tele2.nl", "telfort.nl", "online.nl"),
)
# Endings that no domain has, and what was meant.
_ENDINGS = {
    **dict.fromkeys(("nll", "nnl", "nl1", "n"), "nl"),
    **dict.fromkeys(("con", "cmo", "comm", "vom", "xom"), "com"),
    **dict.fromkeys(("ogr", "orgg", "prg"), "org"),
}
_ALIKE = 0.85  # of difflib's ratio: they differ in a letter or two


def is_no_address(text: str) -> bool:
    """Return whether a cleaned text says that somebody has no address.

    >>> is_no_address("geen e-mail"), is_no_address("n.v.t."), is_no_address("jan")
    (True, True, False)
    """
    if "@" in text:
        return False
    folded = text.casefold()
    return (
        not text
        or folded in _NO_ADDRESS
        or re.fullmatch(r"(?:heeft |nog )?geen e?-?(?:mail)?\s?(?:adres)?(?: bekend)?", folded) is not None
    )


def refuse_as_above(text: str) -> None:
    """Refuse a cleaned text that only points at the cell above.

    :raises CellError: if it does.
    """
    if len(text) <= _LONGEST_AS_ABOVE and text.casefold() in _AS_ABOVE:
        raise CellError(
            _('"%(value)s" stands for the value in the row above') % {"value": text}, _("write the value itself")
        )


def read_address(text: str) -> str:
    """Return the one address in a cleaned, filled cell.

    It is ASCII, with the domain in punycode.

    :raises CellError: with the value and, if it is clear, the address that was probably meant.
    """
    try:
        return mailable(text)
    except ValueError as error:
        raise _wrong(text, str(error)) from None


def bare_address(text: str) -> str:
    """Return the address in a link, behind a name, or written several times; empty if the text is none of these.

    >>> bare_address("mailto:kim@example.org"), bare_address("Kim Verbeek <kim@example.org>")
    ('kim@example.org', 'kim@example.org')
    >>> bare_address("kim@example.org; Kim@example.org")
    'kim@example.org'
    """
    several = _several(text) if text.count("@") > 1 else []
    if len({part.casefold() for part in several}) == 1:
        return several[0]
    if "<" not in text and ":" not in text:
        return ""
    bracketed = _IN_BRACKETS.fullmatch(text)
    link = _LINK.fullmatch(bracketed[1] if bracketed else text)
    found = (link[1] if link else bracketed[1] if bracketed else "").strip()
    name = text.partition("<")[0].strip(_EDGES).casefold() if bracketed else ""
    if "@" in name and name != found.casefold():
        return ""
    return found if _is_mailable(found) else ""


_NEXT_ADDRESS = re.compile(r"\s*[;/|&]\s*|\s*,\s*(?=\S*@)|(?<=>)\s+|\s+(?:en|and)\s+|(?<=\S)\s+(?=[^\s<>]+@)")


def named_addresses(text: str) -> tuple[tuple[str, str], ...]:
    """Return the names and addresses in a cleaned cell that may hold several.

    An address is as written, so that :func:`read_address` can refuse it; a cell without one is empty.

    >>> named_addresses("Els Smit <els@example.org>; bureau@example.org")
    (('Els Smit', 'els@example.org'), ('', 'bureau@example.org'))
    """
    if is_no_address(text):
        return ()
    found = []
    for part in filter(None, _NEXT_ADDRESS.split(text)):
        bare = bare_address(part)
        name = part.partition("<")[0].strip(_EDGES) if bare and "<" in part else ""
        found.append(("" if "@" in name else name, bare or part))
    return tuple(found)


def likely_meant(address: str) -> str | None:
    """Return the address with its mistyped domain corrected, or None.

    Only an ending that does not exist counts, and slips for a well-known domain (gmial.com, hotmal.com): swapped
    letters, one letter too many or too few. A different letter may make it another company's domain.
    """
    local, _at, domain = address.casefold().rpartition("@")
    meant = _domain_meant(domain)
    return f"{local}@{meant}" if meant else None


def is_slip(domain: str, other: str) -> bool:
    """Return whether two domains differ by a letter too many or two letters swapped; digits are told apart.

    >>> is_slip("woonstedde.nl", "woonstede.nl"), is_slip("wonen1.nl", "wonen.nl"), is_slip("wonen.nl", "bonen.nl")
    (True, False, False)
    """
    short, long = sorted((domain, other), key=len)
    if len(long) - len(short) == 1:
        place = next((at for at, pair in enumerate(zip(short, long, strict=False)) if len(set(pair)) > 1), len(short))
        return short[place:] == long[place + 1 :] and not long[place].isdigit()
    differing = [at for at, pair in enumerate(zip(short, long, strict=False)) if len(set(pair)) > 1]
    swapped = len(differing) == 2 and differing[1] == differing[0] + 1 and sorted(short) == sorted(long)
    return swapped and len(short) == len(long)


@lru_cache(maxsize=1024)  # a list has many addresses of few domains
def _domain_meant(domain: str) -> str | None:
    # difflib compares the lengths too, but only after it has indexed the letters.
    alike = [each for each in _COMMON_DOMAINS if 2 * min(len(each), len(domain)) >= _ALIKE * (len(each) + len(domain))]
    near = difflib.get_close_matches(domain, alike, n=1, cutoff=_ALIKE)
    if not near or near[0] == domain:
        name, _dot, ending = domain.rpartition(".")
        return f"{name}.{_ENDINGS[ending]}" if ending in _ENDINGS else None
    return near[0] if len(near[0]) != len(domain) or sorted(near[0]) == sorted(domain) else None


def _wrong(text: str, reason: str) -> CellError:
    value = {"value": shown_value(text)}
    several = _several(text)
    if several:
        return CellError(
            _('"%(value)s" holds more than one address') % value,
            _(
                "keep %(address)s here; put an assistant's address in a column with the heading kopie aan, "
                "and give every other person a row of their own"
            )
            % {"address": several[0]},
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
        return _('probably "%(address)s": ask if you are not sure') % {"address": guess}
    return _("write one address, like jan@example.org, or leave the cell empty for somebody without one")


def _sentences(text: str) -> Iterator[tuple[bool, str]]:
    """Return each common mistake: if it was made, and its sentence. The caller reports the first one that was made."""
    local, at, domain = text.rpartition("@")
    yield "<" in text, _('"%(value)s" is a name with an address')
    yield text.casefold().startswith("mailto:"), _('"%(value)s" is a link to an address')
    yield not at, _('"%(value)s" has no @')
    yield text.count("@") > 1, _('"%(value)s" has more than one @')
    yield not local, _('"%(value)s" has nothing before the @')
    yield not domain.strip(_EDGES), _('"%(value)s" has nothing after the @')
    yield text.translate(_HYPHENS) != text, _('a dash in "%(value)s" is not the hyphen of an address')
    yield text.translate(_TYPOGRAPHY) != text, _('"%(value)s" has a mark that Word put in place of another')
    yield (
        not local.isascii(),
        _('the part before the @ of "%(value)s" has a letter with an accent, which many mail servers cannot handle'),
    )
    yield text.endswith((".", ";", ",", ":")), _('"%(value)s" has a mark after the address')
    yield text.strip(_EDGES) != text, _('"%(value)s" has a mark around the address')
    yield " " in text, _('"%(value)s" has a space in the address')
    yield "," in text, _('"%(value)s" has a comma instead of a dot')
    yield ".." in text, _('"%(value)s" has two dots in a row')
    yield "." not in domain, _('"%(value)s" has no dot after the @: an ending like .nl is missing')


def _several(text: str) -> list[str]:
    found = [part.strip(_EDGES) for part in _BETWEEN.split(text) if "@" in part]
    return found if len(found) > 1 and all(map(_is_mailable, found)) else []


def _repairs(text: str) -> Iterator[str]:
    """Return what was certainly meant.

    The letters are the same, without characters that cannot be part of an address.
    """
    bracketed = _IN_BRACKETS.fullmatch(text)
    bare = (bracketed[1] if bracketed else text).strip(_EDGES)
    # "kim@example.org (werk)", "[kim@example.org](mailto:kim@example.org)"
    yield re.sub(r"[\s\]]*[(\[].*", "", bare)
    bare = re.sub(r"(?i)^mailto:\s*", "", bare)
    bare = re.sub(r"(?i)\s*[(\[]\s*(?:at|apenstaartje)\s*[)\]]\s*", "@", bare)
    one_at = re.sub(r"[\s@]*@[\s@]*", "@", bare)
    yield from (bare, one_at, re.sub(r"\s*[,.]+\s*", ".", one_at))


def _guesses(text: str) -> Iterator[str]:
    """Return what was probably meant.

    They are only guesses, because a different letter may make it another person's address.
    """
    *_others, dotted = _repairs(text.translate(_TYPOGRAPHY))
    tight = "@".join(part.strip(".") for part in re.sub(r"\s+", "", dotted).split("@"))
    yield from (tight, _without_accents(tight))


def _without_accents(address: str) -> str:
    """Return the address with plain letters before the @.

    Letters and marks that are more than a plain letter with an accent stay: without them it would be another person's
    address.
    """
    local, at, domain = address.rpartition("@")
    plain = "".join(char for char in unicodedata.normalize("NFKD", local) if not unicodedata.combining(char))
    return f"{plain}{at}{domain}"


def _is_mailable(text: str) -> bool:
    try:
        mailable(text)
    except ValueError:
        return False
    return True


def holds_addresses(values: Sequence[str]) -> bool:
    """Return whether a column has an address."""
    return any("@" in value for value in values)


def holds_names(values: Sequence[str]) -> bool:
    """Return whether most values may be names: letters, no digits, and hardly any value twice."""
    filled = [value for value in values if value]
    names = [value for value in filled if not any(char.isdigit() or char == "@" for char in value) and len(value) > 1]
    return bool(filled) and len(names) * 10 >= len(filled) * 8 and len(set(names)) * 10 >= len(names) * 6


def holds_prefixes(values: Sequence[str]) -> bool:
    """Return whether all values are prefixes of names, and some are no other words too ("aan", "uit")."""
    filled = [value for value in values if value]
    words = {word for value in filled for word in value.casefold().split()}
    return bool({"van", "de", "der", "den"} & words) and all(map(is_prefix, words))


def is_title(text: str) -> bool:
    """Return whether a filled cell holds a title: of address ("dhr.") or of degree ("drs.")."""
    try:
        return TITLES_BEFORE.issuperset(title_words(text)) or bool(read_title(text))
    except ValueError:
        return False


def adds_nothing(texts: Sequence[str], others: Sequence[Sequence[str]], meaning: str) -> bool:
    """Return whether a column tells nothing that the other columns of its meaning do not tell."""
    if meaning == "email":
        return False
    if meaning == "title":
        return not any(is_title(text.strip()) for text in texts if text.strip())
    pairs = [(mine.split(), other.split()) for column in others for mine, other in zip(texts, column, strict=True)]
    part = meaning == "written" and any(len(other) > len(mine) for mine, other in pairs)
    return all(not mine or (part and mine == other[-len(mine) :]) for mine, other in pairs)


def column_letter(column: int) -> str:
    """Return a column, counted from 0, as Excel shows it: A, Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
