"""A text file as Notepad writes it, as one string with ``\\n`` line ends."""

import codecs
import unicodedata
from pathlib import Path

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _

# An event of a whole day with every text in it is some ten thousand characters.
MOST_BYTES = 256 * 1024

_MARKS = (
    # UTF-32's mark begins with UTF-16's, so it is asked for first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What YAML takes for line ends (YAML 1.1 §4.2) and no editor shows as such: text pasted from a web page has them.
_HIDDEN_LINE_ENDS = str.maketrans({"\x85": " ", "\u2028": " ", "\u2029": " "})


def read_bytes(path: Path, shown: str, code: ExitCode = ExitCode.FAULTY_FILE) -> bytes:
    """The bytes of a file that people write.

    :raises UserError: where it cannot be read, or is larger than such a file can be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UserError(Fault(shown, _("this file does not exist")), code=code) from None
    except OSError as error:
        reason = error.strerror or str(error)
        fault = _("this file cannot be read: %(reason)s") % {"reason": reason}
        raise UserError(Fault(shown, fault), code=code) from None
    if len(data) > MOST_BYTES:
        fault = _("this file is larger than %(limit)d KB, so it is not an event or settings file")
        raise UserError(Fault(shown, fault % {"limit": MOST_BYTES // 1024}), code=code)
    return data


def text_of(data: bytes) -> str:
    """The text: UTF-8 with or without its mark, UTF-16, else Windows-1252; every line end as ``\\n``.

    :raises ValueError: saying in one sentence why it is not a text.
    """
    text = _decoded(data).replace("\r\n", "\n").replace("\r", "\n").translate(_HIDDEN_LINE_ENDS)
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if _is_control(character):
                raise ValueError(
                    _("line %(line)d has an invisible control character in column %(column)d; delete it")
                    % {"line": number, "column": column}
                )
    return text


def _is_control(character: str) -> bool:
    # U+FEFF is a format character, but YAML refuses it inside a text as it refuses control characters;
    # surrogates and the two non-characters come from damaged files.
    if character in "\t\ufeff":
        return character == "\ufeff"
    return unicodedata.category(character) in ("Cc", "Cs") or character in "\ufffe\uffff"


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    # Every second byte zero: UTF-16 without its mark, as some programs export it.
    if len(data) >= 4 and data[1] == 0 and data[3] == 0:
        return _strictly(data, "utf-16-le")
    if len(data) >= 4 and data[0] == 0 and data[2] == 0:
        return _strictly(data, "utf-16-be")
    if b"\0" in data:
        raise ValueError(_("this is not a text file; save it as text in UTF-8"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _strictly(data, "cp1252")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(_("the letters of this file cannot be read; save it as text in UTF-8")) from None
