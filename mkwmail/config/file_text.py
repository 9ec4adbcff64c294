"""Text files as Notepad writes them, read with ``\\n`` line ends."""

import codecs
import re
from pathlib import Path

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _

# An event of a whole day with all its texts has some ten thousand characters.
MOST_BYTES = 256 * 1024

_MARKS = (
    # UTF-32's mark begins with UTF-16's, so it is checked first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Line ends for YAML (YAML 1.1 §4.2) that no editor shows as line ends; text pasted from a web page has them.
_HIDDEN_LINE_ENDS = str.maketrans({"\x85": " ", "\u2028": " ", "\u2029": " "})

# YAML refuses them everywhere (YAML 1.1 §5.1): controls, surrogates, non-characters, a byte order mark inside.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def read_bytes(path: Path, shown: str, code: ExitCode = ExitCode.FAULTY_FILE) -> bytes:
    """Return the bytes of a file that people write.

    :raises UserError: if it cannot be read, or is larger than such a file can be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UserError(Fault(shown, _("this file does not exist")), code=code) from None
    except OSError as error:
        reason = reason_of(error)
        fault = _("this file cannot be read: %(reason)s") % {"reason": reason}
        raise UserError(Fault(shown, fault), code=code) from None
    if len(data) > MOST_BYTES:
        fault = _("this file is larger than %(limit)d KB, so it is not an event or settings file")
        raise UserError(Fault(shown, fault % {"limit": MOST_BYTES // 1024}), code=code)
    return data


def text_of(data: bytes) -> str:
    """Return the text of a file, with every line end as ``\\n``.

    The encoding is UTF-8 with or without its mark, UTF-16, or else Windows-1252.

    :raises ValueError: if it is not a text, with the reason in one sentence.
    """
    text = _decoded(data).replace("\r\n", "\n").replace("\r", "\n").translate(_HIDDEN_LINE_ENDS)
    found = _CONTROL.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise ValueError(
            _("line %(line)d has an invisible control character in column %(column)d; delete it")
            % {"line": line, "column": column}
        )
    return text


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    # Every second byte is zero: UTF-16 without its mark, as some programs export it.
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
