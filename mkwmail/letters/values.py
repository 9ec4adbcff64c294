"""Values: data that a template prints, kept apart from the text that its author wrote.

A template's own text is Markdown; data must never become Markdown, HTML, a header or a link's syntax. So every
character of data that could mean something is *quoted*: moved into the Unicode private use area, where Markdown,
Jinja and css-inline take it for a letter. It is moved back, escaped for the place where it then stands, when the
letter is made (:mod:`mkwmail.letters.filling`).

A :class:`Value` that differs per member prints as its *merge mark* instead, so that members can share one letter.
"""

import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

_DATA = 0xE000  # quoted data: escaped for its place
_SYNTAX = 0xE100  # quoted text of a link that we made ourselves: kept as it is inside a URL
_HANG = 0xE200  # plain text: the following lines of this line are indented by this many columns

URL_START, URL_END = "\ue400", "\ue401"
"""Plain text: what stands between them is a URL."""

PRIVATE_USE = re.compile("[\ue000-\uf8ff]")
"""Input may not hold these characters: quoting would not come back as it went in."""

_DATA_TABLE = {n: chr(_DATA + n) for n in range(0x80) if not chr(n).isalnum()}
_SYNTAX_TABLE = {n: chr(_SYNTAX + n) for n in range(0x80) if not chr(n).isalnum()}
_BACK_TABLE = {**{_DATA + n: n for n in range(0x80)}, **{_SYNTAX + n: n for n in range(0x80)}}

QUOTED_DATA = re.compile("[\ue000-\ue07f]+")
QUOTED = re.compile("[\ue000-\ue07f\ue100-\ue17f]+")
HANG = re.compile("[\ue200-\ue2ff]")


def quote(text: str) -> str:
    """Text as data: of the same length, and nothing in it has a meaning."""
    return text.translate(_DATA_TABLE)


def quote_link(text: str) -> str:
    """A URL that is safe as it is: as :func:`quote`, but inside a link it stays a URL."""
    return text.translate(_SYNTAX_TABLE)


def unquote(text: str) -> str:
    """Quoted characters as themselves, escaped for no place: for headers and plain text."""
    return text.translate(_BACK_TABLE)


def hang_at(columns: int) -> str:
    """The sign that a plain text line's following lines are indented by ``columns`` (0 to 255)."""
    return chr(_HANG + columns)


def hang_of(sign: str) -> int:
    """The columns that :func:`hang_at` stands for."""
    return ord(sign) - _HANG


class Value(str):
    """Data in a template: in tests, loops and filters the text itself, printed its mark or quoted text."""

    __slots__ = ("mark",)
    mark: str

    def __new__(cls, text: str, mark: str = "") -> "Value":
        value = super().__new__(cls, text)
        # An empty value has no mark: a template that prints it says nothing, and members with and
        # without a value do not share a letter.
        value.mark = mark if text else ""
        return value

    def __html__(self) -> str:
        return self.mark or self.quoted()

    def quoted(self) -> str:
        """The text as it is printed where no mark is used."""
        return quote(str(self))


def _kept(method: str) -> Callable[..., Value]:
    plain = getattr(str, method)

    def derived(self: Value, *args: Any) -> Value:
        return Value(plain(self, *args))

    return derived


# A part or another case of a member's value is still data, also behind `safe`.
for _method in (
    "__getitem__",
    "upper",
    "lower",
    "title",
    "capitalize",
    "strip",
    "lstrip",
    "rstrip",
    "replace",
):
    setattr(Value, _method, _kept(_method))


class Link(Value):
    """A URL from the event file or made by us; checked to be https before it comes here."""

    __slots__ = ()

    def quoted(self) -> str:
        return quote_link(str(self))


def printed(value: object) -> Markup:
    """What a template's ``{{ … }}`` prints (Jinja's ``finalize``): markup as it is, everything else as data.

    Nothing (``None``) prints nothing.
    """
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup("")
    if isinstance(value, Value):
        return Markup(value)
    return Markup(quote(str(value)))
