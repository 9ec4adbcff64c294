"""Text of a file in the encodings that Excel, Notepad and web sites write."""

import codecs
import re

from mkwmail.errors import Fault, UserError
from mkwmail.i18n import _
from mkwmail.members.cells import shown_value

_MOST_PLACES = 5  # lines with broken letters that are named
_AROUND = 20  # characters before and after a broken letter that are shown

_SMALL, _CAPITALS = "àáâäåæçèéêëìíîïñòóôöøœßùúûüÿšžý", "ÀÁÂÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖØŒÙÚÛÜŸŠŽÝ"
_RARE = "šžœŠŽŒŸ"  # in Windows-1252; where Mac Roman has ö, û, ú, ä, é, å and ü
_OPENING, _CLOSING, _BETWEEN = "“‘„«‹", "”»›…™®©", "’"  # marks before, behind and between the letters of words
_DASHES = "–—"  # Noord–Zuid
_BROKEN = re.compile("[\udc80-\udcff]+")


def decode(data: bytes, shown: str) -> tuple[str, str]:
    """Return the text and the name of its encoding.

    The encoding is UTF-16 or UTF-8 if the bytes show it, else Windows-1252 or, from Excel for Mac, Mac Roman. UTF-8 is
    tried strictly and first: text in Windows-1252 with a letter outside ASCII is practically never valid UTF-8, while
    every UTF-8 file would pass as Windows-1252.

    :raises UserError: if it is none of these, if letters of UTF-8 are broken, if it cannot be decided between Windows
        and Mac, or if it is not a text at all.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoded = _strictly(data, "utf-16"), "UTF-16"
    elif (text := _strictly(data, "utf-8-sig")) is not None:
        decoded = text, "UTF-8"
    else:
        _refuse_broken(data, shown)
        decoded = _of_windows_or_mac(data, shown)
    text, name = decoded
    if text is None:
        fault = _("the file is not text in UTF-8, UTF-16, Windows-1252 or Mac Roman")
        raise UserError(Fault(shown, fault, _('save it in Excel as "CSV UTF-8" or as .xlsx')))
    _refuse_no_text(text, shown)
    return text, name


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeError:
        return None


def _refuse_broken(data: bytes, shown: str) -> None:
    """Refuse UTF-8 with some broken letters.

    It is UTF-8 if a BOM says so, or if more of its letters outside ASCII are right than wrong.
    """
    text = data.decode("utf-8", "surrogateescape")  # which gives a surrogate for every octet that is not UTF-8
    places = list(_BROKEN.finditer(text))
    right = sum(not char.isascii() for char in text) - sum(len(place[0]) for place in places)
    if (right == 0 or right < len(places)) and not data.startswith(codecs.BOM_UTF8):
        return
    faults = []
    for place in places[:_MOST_PLACES]:
        line = text.count("\n", 0, place.start()) + 1
        before = re.split(r"[\r\n;,\t]", text[max(place.start() - _AROUND, 0) : place.start()])[-1]
        after = re.split(r"[\r\n;,\t]", text[place.end() : place.end() + _AROUND])[0]
        part = _BROKEN.sub("\ufffd", f"{before}\ufffd{after}").strip()
        faults.append(
            Fault(
                f"{shown}:{line}",
                _('a letter on this line is broken: "%(part)s"') % {"part": shown_value(part)},
                _('type the letter again where the mark � is, and save the list as "CSV UTF-8"'),
            )
        )
    raise UserError(*faults)


def _of_windows_or_mac(data: bytes, shown: str) -> tuple[str | None, str]:
    """Return the text by the encoding in which its letters form words.

    The two encodings give every letter outside ASCII another number, so that text in one of them, read as the other,
    has marks inside words and capitals behind small letters.
    """
    windows, mac = _strictly(data, "cp1252"), data.decode("mac_roman")
    of_mac = _unlikely(mac)
    if windows is None:
        return (mac if of_mac == 0 else None), "Mac Roman"
    of_windows = _unlikely(windows)
    if of_mac < of_windows:
        return mac, "Mac Roman"
    if of_mac == of_windows and (pair := _two_readings(windows, mac)):
        fault = _('the letters of the file can be read in two ways: "%(windows)s" (Windows) or "%(mac)s" (Mac)')
        words = {"windows": shown_value(pair[0]), "mac": shown_value(pair[1])}
        raise UserError(Fault(shown, fault % words, _('save it in Excel as "CSV UTF-8" or as .xlsx')))
    return windows, "Windows-1252"


def _unlikely(text: str) -> int:
    """Return the number of characters outside ASCII that are unlikely where they are."""
    return sum(
        not _is_likely(char, text[place - 1 : place], text[place + 1 : place + 2])
        for place, char in enumerate(text)
        if not char.isascii()
    )


def _is_likely(char: str, before: str, after: str) -> bool:
    if char in _SMALL:
        return not before.isupper() or after.islower()
    if char in _CAPITALS:
        return not before.islower() and not (before.isalpha() and after.islower())
    if char in _OPENING:
        return not before.isalpha()
    if char in _CLOSING:
        return not after.isalpha()
    if char in _DASHES:
        return not (before.islower() and after.islower())
    return char in _BETWEEN or (char.isprintable() and not (before.isalpha() or after.isalpha()))


def _two_readings(windows: str, mac: str) -> tuple[str, str] | None:
    """Return a word that is likely in both encodings, as each of them reads it.

    Only letters that are rare in Dutch make Windows-1252 doubtful.
    """
    for place, (one, other) in enumerate(zip(windows, mac, strict=True)):
        if one in _RARE and other in _SMALL + _CAPITALS:
            start = max(map(windows.rfind, ";,\t\r\n", [0] * 5, [place] * 5)) + 1
            end = min((found for mark in ";,\t\r\n" if (found := windows.find(mark, place)) >= 0), default=len(windows))
            return windows[start:end], mac[start:end]
    return None


def _refuse_no_text(text: str, shown: str) -> None:
    if "\0" in text:
        raise UserError(
            Fault(
                shown,
                _("the file is not a table in text: it holds NUL bytes"),
                _('save it in Excel as "CSV UTF-8" or as .xlsx'),
            )
        )
    if re.match(r"\s*<(?:!doctype|html|\?xml|table|head|meta)\b", text, re.IGNORECASE):
        raise UserError(
            Fault(
                shown,
                _("the file is a web page, whatever its name says"),
                _("open it in Excel and save it as .xlsx"),
            )
        )
