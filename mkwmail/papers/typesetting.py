"""Typst, which sets PDFs: the only place that knows it.

Everything is PDF/UA-1 (ISO 14289-1): tagged, in Dutch, with its fonts inside. The fonts are typst's own, so that the
computer's fonts make no difference. Data reaches a document as JSON text, so that no value is ever markup, and nothing
is fetched.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _

_TEMPLATES = Path(__file__).parent


class TypesettingError(Exception):
    """Data that cannot be set.

    ``letters`` are the characters that no font has, ``fonts`` the fonts that a picture needs and that are not there.
    ``too_long``: a name does not fit. ``pages``: it does not fit on its page. ``picture``: a picture cannot be shown.
    ``reason`` is typst's own message.
    """

    def __init__(self, reason: str, fonts: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason.splitlines()[0].removeprefix("error: ") if reason else ""
        self.picture = bool(_PICTURE.match(self.reason))
        self.letters = tuple(dict.fromkeys(_UNKNOWN_LETTER.findall(reason)))
        self.fonts = fonts
        self.too_long = "mkwmail: the name is too long" in reason
        self.pages = "mkwmail: more than one page" in reason


_UNKNOWN_LETTER = re.compile(r'the text `"(.+?)"` could not be displayed')
_PICTURE = re.compile(r"failed to (?:decode image|parse SVG|load (?:linked )?image)")
_UNKNOWN_FONT = re.compile(r"unknown font family: (.+)")


def is_installed() -> bool:
    """Check whether PDFs can be made."""
    try:
        import typst  # noqa: F401
    except ImportError:
        return False
    return True


class Typesetter:
    """A typst document, for many sets of data."""

    def __init__(self, folder: Path, document: str) -> None:
        import typst

        nowhere = str(folder / "no-packages")
        self._failed: type[Exception] = typst.TypstError
        self._compiler = typst.Compiler(
            str(folder / document),
            root=str(folder),
            font_paths=typst.Fonts(include_system_fonts=False),
            ignore_system_fonts=True,
            package_path=nowhere,
            package_cache_path=nowhere,
        )

    def pdf(self, data: Mapping[str, Any], day: datetime) -> bytes:
        """Return the PDF of these data, dated that day.

        :raises TypesettingError: if it cannot be set as it should be.
        """
        moment = datetime.combine(day.date(), time(12), UTC)
        written = {"data": json.dumps(data, ensure_ascii=False)}
        try:
            pdf, warnings = self._compiler.compile_with_warnings(
                sys_inputs=written, format="pdf", pdf_standards=["ua-1"], timestamp=moment
            )
        except self._failed as error:
            raise TypesettingError(str(getattr(error, "diagnostic", "") or error)) from None
        if warnings:
            said = [str(each.message) for each in warnings]
            fonts = [found[1] for each in said if (found := _UNKNOWN_FONT.search(each))]
            raise TypesettingError("; ".join(said), tuple(fonts))
        assert isinstance(pdf, bytes)
        return pdf


@contextmanager
def typesetter(document: str, pictures: Mapping[str, bytes]) -> Iterator[Typesetter]:
    """Give a typesetter for a document of mkwmail; ``pictures`` are the files that its data name.

    :raises UserError: if typst is not installed.
    """
    if not is_installed():
        raise not_installed()
    with TemporaryDirectory(prefix="mkwmail-") as name:
        folder = Path(name)
        (folder / document).write_bytes((_TEMPLATES / document).read_bytes())
        for picture, data in pictures.items():
            (folder / picture).write_bytes(data)
        yield Typesetter(folder, document)


def not_installed() -> UserError:
    """Return the error that PDFs cannot be made on this computer."""
    remedy = _("install it: pip install 'mkwmail[papers]'")
    return user_error("", _("PDFs cannot be made: typst is not installed"), remedy, code=ExitCode.SETTINGS)
