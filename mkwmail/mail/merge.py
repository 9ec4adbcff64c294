"""Merging members' values into letters.

Templates print a value as a mark or as quoted text. Letters have a hole for each mark, and a value that fills a hole is
escaped for its place. :func:`uses_of` finds the fields that decide which members can share a letter.
"""

import html
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import quote as percent_encode

from jinja2 import nodes
from markupsafe import Markup

from mkwmail.mail.icalendar import escape_parameter, escape_text

_END = "z"


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one composition: a prefix and numbered fields.

    The fields are in a fixed order.
    """

    prefix: str
    fields: tuple[str, ...]

    def of(self, field: str) -> str:
        """Return the mark of a field, such as ``signup_link``."""
        return f"{self.prefix}{self.fields.index(field)}{_END}"

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return the pattern of marks; group 1 is the field's number."""
        return re.compile(f"{self.prefix}([0-9]+){_END}")

    def split(self, text: str) -> list[tuple[str, str | None]]:
        """Cut the text at its marks.

        Return pairs of the text before a mark, and the mark's field (None at the end).
        """
        pieces: list[tuple[str, str | None]] = []
        at = 0
        for found in self.pattern.finditer(text):
            pieces.append((text[at : found.start()], self.fields[int(found[1])]))
            at = found.end()
        pieces.append((text[at:], None))
        return pieces


class TakenMarks:
    """A search for a mark prefix that occurs in no text.

    The prefix is the same for the same texts, so that a letter composed again has the same bytes.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def look_at(self, text: str) -> None:
        """Mark the prefixes that occur in this text as taken."""
        self._taken.update(_LOOKS_LIKE_ONE.findall(text.casefold()))

    @property
    def free_prefix(self) -> str:
        """Return the first prefix that occurs in none of the texts."""
        return next(f"Qm{number}w" for number in count() if str(number) not in self._taken)


_LOOKS_LIKE_ONE = re.compile("qm([0-9]+)w")


_DATA = 0xE000  # quoted data: escaped for its place
_SYNTAX = 0xE100  # quoted text of a link that mkwmail made: unchanged inside a URL
_HANG = 0xE200  # plain text: the lines that wrap from this line are indented by this many columns

URL_START, URL_END = "\ue400", "\ue401"
"""Plain text: the signs before and after a URL."""

PRIVATE_USE = re.compile("[\ue000-\uf8ff]")
"""Characters that input may not contain.

Unquoting would not restore them.
"""

_DATA_TABLE = {n: chr(_DATA + n) for n in range(0x80) if not chr(n).isalnum()}
_SYNTAX_TABLE = {n: chr(_SYNTAX + n) for n in range(0x80) if not chr(n).isalnum()}
_BACK_TABLE = {**{_DATA + n: n for n in range(0x80)}, **{_SYNTAX + n: n for n in range(0x80)}}

QUOTED_DATA = re.compile("[\ue000-\ue07f]+")
QUOTED = re.compile("[\ue000-\ue07f\ue100-\ue17f]+")
HANG = re.compile("[\ue200-\ue2ff]")


def quote(text: str) -> str:
    """Return text as data: of the same length, without special meaning."""
    return text.translate(_DATA_TABLE)


def quote_link(text: str) -> str:
    """Quote a URL that is safe as it is.

    This is :func:`quote`, except that the URL stays a URL inside a link.
    """
    return text.translate(_SYNTAX_TABLE)


def unquote(text: str) -> str:
    """Restore quoted characters, without escaping them.

    The result is for headers and plain text.
    """
    return text.translate(_BACK_TABLE)


def hang_at(columns: int) -> str:
    """Return the sign for an indent of ``columns`` (0 to 255).

    The indent is that of the lines that wrap from a line of plain text.
    """
    return chr(_HANG + columns)


def hang_of(sign: str) -> int:
    """Return the columns of a sign of :func:`hang_at`."""
    return ord(sign) - _HANG


class Value(str):
    """Data in a template.

    Tests, loops and filters see the text itself; printing gives its mark or quoted text.
    """

    __slots__ = ("mark",)
    mark: str

    def __new__(cls, text: str, mark: str = "") -> "Value":
        value = super().__new__(cls, text)
        # An empty value has no mark: a template prints nothing for it, and members with and without a value do not
        # share a letter.
        value.mark = mark if text else ""
        return value

    def __html__(self) -> str:
        return self.mark or self.quoted()

    def quoted(self) -> str:
        """Return the text as it is printed without a mark."""
        return quote(str(self))


def _kept(method: str) -> Callable[..., Value]:
    plain = getattr(str, method)

    def derived(self: Value, *args: Any) -> Value:
        return Value(plain(self, *args))

    return derived


# A part or another case of a member's value is still data, also after `safe`.
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
    """A URL from the event file, or one that mkwmail made.

    It has been checked to be https, or opens a mail.
    """

    __slots__ = ()

    def quoted(self) -> str:
        return quote_link(str(self))


def printed(value: object) -> Markup:
    """Return the text that ``{{ … }}`` prints (Jinja's ``finalize``).

    Markup stays as it is, ``None`` prints nothing, and everything else is data.
    """
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup("")
    if isinstance(value, Value):
        return Markup(value)
    return Markup(quote(str(value)))


class Escaping(StrEnum):
    """The place of a value in a message; each has its own escaping."""

    TEXT = "text"  # plain text, and header text before RFC 2047
    HTML = "html"  # between HTML tags
    ATTRIBUTE = "attribute"  # in a double-quoted HTML attribute
    URL = "url"  # inside a URL in an HTML attribute: percent-encoded (RFC 3986 §2.1)
    LINK = "link"  # a whole URL of ours in an HTML attribute
    ADDRESS = "address"  # inside a URL that is written out in plain text: percent-encoded
    CALENDAR = "calendar"  # a TEXT value (RFC 5545 §3.3.11)
    PARAMETER = "parameter"  # a property parameter's value (RFC 5545 §3.2)


def _url(text: str) -> str:
    return percent_encode(text, safe="")


def _attribute(text: str) -> str:
    return html.escape(text, quote=True)


ESCAPES: Mapping[Escaping, Callable[[str], str]] = {
    Escaping.TEXT: str,
    Escaping.HTML: lambda text: html.escape(text, quote=False),
    Escaping.ATTRIBUTE: _attribute,
    Escaping.URL: _url,
    Escaping.LINK: _attribute,
    Escaping.ADDRESS: _url,
    Escaping.CALENDAR: escape_text,
    Escaping.PARAMETER: lambda text: f'"{escape_parameter(text)}"',
}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place in a letter that a member's value fills."""

    field: str
    place: Escaping


Segment = str | Placeholder
Segments = tuple[Segment, ...]


def fill(segments: Segments, values: Mapping[str, str]) -> str:
    """Return the segments' text with each hole filled."""
    return "".join(
        segment if isinstance(segment, str) else ESCAPES[segment.place](values[segment.field]) for segment in segments
    )


def filler(segments: Segments) -> Callable[[Mapping[str, str]], str]:
    """Return :func:`fill` for these segments, for use with many members."""
    text = "".join("%s" if isinstance(segment, Placeholder) else segment.replace("%", "%%") for segment in segments)
    holes = [(ESCAPES[segment.place], segment.field) for segment in segments if isinstance(segment, Placeholder)]
    if len(holes) == 1:
        ((escape, field),) = holes
        return lambda values: text % escape(values[field])
    return lambda values: text % tuple([escape(values[field]) for escape, field in holes])


def _resolved(text: str, place: Escaping) -> str:
    """Restore the quoted characters of a text without marks.

    They are escaped for the place.
    """
    if place in (Escaping.TEXT, Escaping.CALENDAR, Escaping.PARAMETER):
        return unquote(text)
    if place in (Escaping.URL, Escaping.ADDRESS):
        text = QUOTED_DATA.sub(lambda run: _url(unquote(run[0])), text)
    if place is Escaping.ADDRESS:
        return unquote(text)
    escape = _attribute if place is Escaping.URL else ESCAPES[place]
    return QUOTED.sub(lambda run: escape(unquote(run[0])), text)


# The place of a value that is a whole URL itself, instead of a part of one.
_WHOLE_URL: Mapping[Escaping, Escaping] = {Escaping.URL: Escaping.LINK, Escaping.ADDRESS: Escaping.TEXT}


def segments_of(text: str, place: Escaping, marks: Marks, links: frozenset[str]) -> Segments:
    """Return text as the letter holds it, with its marks as holes.

    Its own characters are escaped for ``place``. ``links`` are the fields whose values are whole URLs: inside an HTML
    attribute they stay URLs.
    """
    found: list[Segment] = []
    for before, name in marks.split(text):
        if before:
            found.append(_resolved(before, place))
        if name is not None:
            found.append(Placeholder(name, _WHOLE_URL.get(place, place) if name in links else place))
    return joined(found)


def joined(segments: list[Segment]) -> Segments:
    """Return the segments with neighbouring texts joined."""
    together: list[Segment] = []
    for segment in segments:
        if isinstance(segment, str) and together and isinstance(together[-1], str):
            together[-1] += segment
        elif segment != "":
            together.append(segment)
    return tuple(together)


_WRITTEN_URL = re.compile(f"{URL_START}(.*?){URL_END}")


def text_segments(line: str, marks: Marks, links: frozenset[str]) -> Segments:
    """Cut a line of plain text at its holes.

    In a URL that is written out, values are percent-encoded.
    """
    found: list[Segment] = []
    # A split at a pattern with one group gives texts and URLs alternately.
    for number, part in enumerate(_WRITTEN_URL.split(line)):
        found.extend(segments_of(part, Escaping.ADDRESS if number % 2 else Escaping.TEXT, marks, links))
    return joined(found)


_TAG = re.compile(r"""<!--.*?-->|<(?:"[^"]*"|'[^']*'|[^>"'])*>""", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([\w:-]+)(\s*=\s*)("[^"]*"|'[^']*')""")
_URL_ATTRIBUTES = frozenset({"href", "src", "background", "action"})


def html_segments(page: str, marks: Marks, links: frozenset[str]) -> Segments:
    """Cut an HTML page at its holes.

    The HTML around a hole determines its place.
    """
    found: list[Segment] = []
    at = 0
    for tag in _TAG.finditer(page):
        found.extend(segments_of(page[at : tag.start()], Escaping.HTML, marks, links))
        found.extend(_tag_segments(tag[0], marks, links))
        at = tag.end()
    found.extend(segments_of(page[at:], Escaping.HTML, marks, links))
    return joined(found)


def _tag_segments(tag: str, marks: Marks, links: frozenset[str]) -> list[Segment]:
    found: list[Segment] = []
    at = 0
    for attribute in _ATTRIBUTE.finditer(tag):
        found.append(tag[at : attribute.start(3)])
        place = Escaping.URL if attribute[1].lower() in _URL_ATTRIBUTES else Escaping.ATTRIBUTE
        found.extend(segments_of(attribute[3], place, marks, links))
        at = attribute.end(3)
    found.append(tag[at:])
    return found


PERSONAL = frozenset({"member", "salutation", "signup_link", "decline_link", "token", "choices", "answer", "copy_of"})


class Uses(NamedTuple):
    """The fields that templates use, such as ``member.function`` and ``salutation``.

    ``member`` alone means that a template passes the whole member on, so every field counts. ``looked_at``: those whose
    values they look at. A template that only prints a value, or asks if there is one, does not.
    """

    every: frozenset[str]
    looked_at: frozenset[str]


class _Use(IntEnum):
    PRINTED = 0
    ASKED = 1
    LOOKED_AT = 2


@dataclass(slots=True)
class _Found:
    """The ways in which a piece of template uses values and macros."""

    fields: dict[str, _Use] = field(default_factory=dict)
    calls: dict[str, _Use] = field(default_factory=dict)
    # The names that stand for one of the members of an assistant's copy, in a loop over all.
    loops: set[str] = field(default_factory=set)

    def use(self, name: str, use: _Use) -> None:
        self.fields[name] = max(use, self.fields.get(name, use))

    def call(self, name: str, use: _Use) -> None:
        self.calls[name] = max(use, self.calls.get(name, use))


def uses_of(templates: Iterable[nodes.Template]) -> Uses:
    """Return the fields that these templates use, together with the macros they call."""
    macros: dict[str, list[_Found]] = {}
    todo: list[tuple[_Found, _Use]] = []
    for template in templates:
        top, own = _visited(template)
        todo.append((top, _Use.PRINTED))
        for name, bodies in own.items():
            macros.setdefault(name, []).extend(bodies)
    uses: dict[str, _Use] = {}
    seen: set[tuple[str, _Use]] = set()
    while todo:
        piece, at_least = todo.pop()
        for name, use in piece.fields.items():
            uses[name] = max(use, at_least, uses.get(name, use))
        for called, use in piece.calls.items():
            mode = max(use, at_least)
            if (called, mode) not in seen:
                seen.add((called, mode))
                todo.extend((found, mode) for found in macros.get(called, ()))
    return Uses(frozenset(uses), frozenset(name for name, use in uses.items() if use is _Use.LOOKED_AT))


Macros = dict[str, list[_Found]]


@lru_cache(maxsize=64)  # an event's mailings share most of their templates
def _visited(template: nodes.Template) -> tuple[_Found, Macros]:
    top, macros = _Found(), Macros()
    _visit_all(template.body, _Use.PRINTED, False, top, macros)
    return top, macros


def _visit_all(parts: Iterable[nodes.Node], use: _Use, caught: bool, found: _Found, macros: Macros) -> None:
    for part in parts:
        _visit(part, use, caught, found, macros)


def _visit(node: nodes.Node, use: _Use, caught: bool, found: _Found, macros: Macros) -> None:
    """Note the ways in which a node uses values.

    ``use``: the use of the node's own value. ``caught``: printed text may be looked at.
    """
    if isinstance(node, nodes.TemplateData | nodes.Const):
        return  # uses nothing, and half of the nodes are these
    reference = _reference(node, found.loops)
    if reference is not None:
        found.use(reference, use)
        return
    match node:
        case nodes.Output():
            _visit_all(node.nodes, _Use.LOOKED_AT if caught else _Use.PRINTED, caught, found, macros)
        case nodes.Macro():
            body = _Found()
            _visit_all(node.body, _Use.PRINTED, False, body, macros)
            _visit_all(node.defaults, _Use.LOOKED_AT, False, body, macros)
            macros.setdefault(node.name, []).append(body)
        case nodes.FilterBlock() | nodes.AssignBlock() | nodes.CallBlock():
            _visit_all(node.iter_child_nodes(), _Use.LOOKED_AT, True, found, macros)
        case nodes.If():
            _visit(node.test, _Use.ASKED, caught, found, macros)
            _visit_all([*node.body, *node.elif_, *node.else_], use, caught, found, macros)
        case nodes.CondExpr():
            _visit(node.test, _Use.ASKED, caught, found, macros)
            _visit_all(filter(None, (node.expr1, node.expr2)), use, caught, found, macros)
        case nodes.Not() | nodes.And() | nodes.Or() if use is _Use.ASKED:
            _visit_all(node.iter_child_nodes(), _Use.ASKED, caught, found, macros)
        case nodes.Concat() if use is _Use.PRINTED:
            _visit_all(node.nodes, use, caught, found, macros)
        case nodes.Call(node=nodes.Name(name=name)):
            found.call(name, _Use.PRINTED if use is _Use.PRINTED else _Use.LOOKED_AT)
            rest = (part for part in node.iter_child_nodes() if part is not node.node)
            _visit_all(rest, _Use.LOOKED_AT, caught, found, macros)
        case nodes.For(target=nodes.Name(name=each), iter=nodes.Name(name="copy_of"), test=None):
            # How many there are is part of each letter's key; what the loop prints of them is only printed.
            found.loops.add(each)
            _visit_all([*node.body, *node.else_], use, caught, found, macros)
        case nodes.Include() | nodes.Import() | nodes.FromImport() | nodes.Extends():
            # The values that the other template looks at are not known here.
            for name in PERSONAL:
                found.use(name, _Use.LOOKED_AT)
        case nodes.Name(name=name, ctx="load"):
            # A macro that is not called here may be called under another name.
            found.call(name, _Use.LOOKED_AT)
        case _:
            # An operand or argument is looked at, and so are the items of a loop; the values that its body prints are
            # only printed (Output notes that).
            _visit_all(node.iter_child_nodes(), _Use.LOOKED_AT, caught, found, macros)


def _reference(node: nodes.Node, loops: Collection[str]) -> str | None:
    """Return the field that a node names.

    It names ``member.x``, ``member["x"]``, or a personal name alone. In a loop over ``copy_of``, it names
    ``copy_of.x``.
    """
    match node:
        case nodes.Getattr(node=nodes.Name(name="member"), attr=attr):
            return f"member.{attr}"
        case nodes.Getitem(node=nodes.Name(name="member"), arg=nodes.Const(value=str(key))):
            return f"member.{key}"
        case nodes.Getattr(node=nodes.Name(name=name), attr=attr) if name in loops:
            return f"copy_of.{attr}"
        case nodes.Name(name=name, ctx="load") if name in loops:
            return "copy_of"
        case nodes.Name(name=name, ctx="load") if name in PERSONAL:
            return str(name)
        case _:
            return None


def rendering_key(
    values: Mapping[str, str], answer: str | None, uses: Uses
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...], str | None]:
    """Return the key that determines a member's marked rendering.

    It has the values that are looked at, the used fields that have a value, and the answer.
    """
    used, looked_at = _among(tuple(values), uses)
    seen = tuple([(name, values[name]) for name in looked_at])
    return seen, tuple([name for name in used if values[name]]), answer


@lru_cache(maxsize=64)  # members nearly always have the same fields
def _among(fields: tuple[str, ...], uses: Uses) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which of a member's fields are used, and which are looked at."""

    def stands_for(name: str, names: frozenset[str]) -> bool:
        whole, _dot, part = name.partition(".")
        in_copy = whole == "copy_of" and f"copy_of.{part.rpartition('.')[2]}" in names
        return name in names or whole in names or in_copy

    used, looked_at = (tuple(name for name in fields if stands_for(name, names)) for names in uses)
    return used, looked_at


class PersonalFile(NamedTuple):
    """A file that is attached to one person's message.

    ``octets`` is its size, and ``sha256`` its SHA-256 in hex, by which its content is looked up.
    """

    name: str
    content_type: str
    sha256: str
    octets: int
    certificate: bool = False


def files_value(files: Iterable[PersonalFile]) -> str:
    """Return the value ``files`` of a message, which names its personal files."""
    return json.dumps([list(file) for file in files], ensure_ascii=False)


def files_in(values: Mapping[str, str]) -> tuple[PersonalFile, ...]:
    """Return the personal files that the values name."""
    return tuple(PersonalFile(*file) for file in json.loads(values.get("files") or "[]"))
