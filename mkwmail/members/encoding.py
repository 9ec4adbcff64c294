"""Text in an encoding of eight bits: Windows-1252 or, from Excel for Mac, Mac Roman."""

import codecs
import re

from mkwmail.errors import Fault, UserError
from mkwmail.i18n import _
from mkwmail.members.cells import shown_value

_MOST_PLACES = 5  # lines with broken letters that are named
_AROUND = 20  # characters before and after a broken letter that are shown

_SMALL, _CAPITALS = "àáâäåæçèéêëìíîïñòóôöøœßùúûüÿšžý", "ÀÁÂÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖØŒÙÚÛÜŸŠŽÝ"
_RARE = "šžœŠŽŒŸ"  # in Windows-1252; where Mac Roman has ö, û, ú, ä, é, å and ü
_USUAL = "éëïöüèáóçÉËÏÖÜÈ"  # in Dutch names
_OPENING, _CLOSING, _BETWEEN = "“‘„«‹", "”»›…™®©", "’"  # marks before, behind and between the letters of words
_DASHES = "–—"  # Noord–Zuid
_BROKEN = re.compile("[\udc80-\udcff]+")


def decode_eight_bits(data: bytes, shown: str) -> tuple[str | None, str]:
    """Return a text that is neither UTF-8 nor UTF-16, and the name of its encoding; None if it is not known.

    :raises UserError: if it is UTF-8 with broken letters, or if it cannot be decided between Windows, Mac and DOS.
    """
    _refuse_broken(data, shown)
    text, encoding = _of_windows_or_mac(data, shown)
    if text is not None:
        _refuse_dos(data, text, encoding, shown)
    return text, encoding


def _refuse_dos(data: bytes, text: str, encoding: str, shown: str) -> None:
    """Refuse a text of which the letters are more usual in Dutch if DOS wrote them, as Excel's "CSV (MS-DOS)" does.

    The "ë" of DOS is the "â" of Mac Roman, and its "é" a mark of Windows-1252.
    """
    dos = data.decode("cp850")
    if _unlikely(dos) or not all(char.isascii() or char in _USUAL for char in dos):
        return
    for place, char in enumerate(text):
        rare = encoding == "Mac Roman" and char.isalpha() and char not in _USUAL
        if not char.isascii() and (rare or not _is_likely(char, text[place - 1 : place], text[place + 1 : place + 2])):
            fault = _('the letters of the file can be read in two ways: "%(dos)s" (DOS) or "%(other)s" (%(encoding)s)')
            words = {"dos": _around(dos, place), "other": _around(text, place), "encoding": encoding}
            raise _two_ways(shown, fault % words)


def _two_ways(shown: str, fault: str) -> UserError:
    return UserError(Fault(shown, fault, _('save it in Excel as "CSV UTF-8" or as .xlsx')))


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
    mac = data.decode("mac_roman")
    try:
        windows = data.decode("cp1252")
    except UnicodeError:
        windows = None
    of_mac = _unlikely(mac)
    if windows is None:
        return (mac if of_mac == 0 else None), "Mac Roman"
    of_windows = _unlikely(windows)
    if of_mac < of_windows:
        return mac, "Mac Roman"
    if of_mac == of_windows and (pair := _two_readings(windows, mac)):
        fault = _('the letters of the file can be read in two ways: "%(windows)s" (Windows) or "%(mac)s" (Mac)')
        raise _two_ways(shown, fault % {"windows": pair[0], "mac": pair[1]})
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
            return _around(windows, place), _around(mac, place)
    return None


def _around(text: str, place: int) -> str:
    """Return the cell around a place, for a message."""
    start = max(map(text.rfind, ";,\t\r\n", [0] * 5, [place] * 5)) + 1
    end = min((found for mark in ";,\t\r\n" if (found := text.find(mark, place)) >= 0), default=len(text))
    return shown_value(text[start:end])
