"""Filling: values into a letter's holes, escaped for the place where each stands."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote as percent_encode

from mkwmail.letters.itip import escape_parameter, escape_text
from mkwmail.letters.marks import Marks
from mkwmail.letters.values import QUOTED, QUOTED_DATA, URL_END, URL_START, unquote


class Place(StrEnum):
    """Where in a message a value stands; each place has its own escaping."""

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


ESCAPES: Mapping[Place, Callable[[str], str]] = {
    Place.TEXT: str,
    Place.HTML: lambda text: html.escape(text, quote=False),
    Place.ATTRIBUTE: _attribute,
    Place.URL: _url,
    Place.LINK: _attribute,
    Place.ADDRESS: _url,
    Place.CALENDAR: escape_text,
    Place.PARAMETER: lambda text: f'"{escape_parameter(text)}"',
}


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a letter that a member's value fills."""

    field: str
    place: Place


Segment = str | Hole
Segments = tuple[Segment, ...]


def fill(segments: Segments, values: Mapping[str, str]) -> str:
    """The segments' text with each hole filled."""
    return "".join(
        segment if isinstance(segment, str) else ESCAPES[segment.place](values[segment.field]) for segment in segments
    )


def filler(segments: Segments) -> Callable[[Mapping[str, str]], str]:
    """:func:`fill` of these segments, for the values of many."""
    text = "".join("%s" if isinstance(segment, Hole) else segment.replace("%", "%%") for segment in segments)
    holes = [(ESCAPES[segment.place], segment.field) for segment in segments if isinstance(segment, Hole)]
    if len(holes) == 1:
        ((escape, field),) = holes
        return lambda values: text % escape(values[field])
    return lambda values: text % tuple([escape(values[field]) for escape, field in holes])


def _resolved(text: str, place: Place) -> str:
    """Text without marks whose quoted characters are put back, escaped for the place."""
    if place in (Place.TEXT, Place.CALENDAR, Place.PARAMETER):
        return unquote(text)
    if place in (Place.URL, Place.ADDRESS):
        text = QUOTED_DATA.sub(lambda run: _url(unquote(run[0])), text)
    if place is Place.ADDRESS:
        return unquote(text)
    escape = _attribute if place is Place.URL else ESCAPES[place]
    return QUOTED.sub(lambda run: escape(unquote(run[0])), text)


# How a value that is a URL itself stands where a URL is expected.
_WHOLE_URL: Mapping[Place, Place] = {Place.URL: Place.LINK, Place.ADDRESS: Place.TEXT}


def segments_of(text: str, place: Place, marks: Marks, links: frozenset[str]) -> Segments:
    """Text as the letter holds it: its own characters escaped for ``place``, its marks as holes.

    ``links`` are the fields whose values are whole URLs: inside an HTML attribute they stay URLs.
    """
    found: list[Segment] = []
    for before, name in marks.split(text):
        if before:
            found.append(_resolved(before, place))
        if name is not None:
            found.append(Hole(name, _WHOLE_URL.get(place, place) if name in links else place))
    return joined(found)


def joined(segments: list[Segment]) -> Segments:
    """The same segments, neighbouring texts as one."""
    together: list[Segment] = []
    for segment in segments:
        if isinstance(segment, str) and together and isinstance(together[-1], str):
            together[-1] += segment
        elif segment != "":
            together.append(segment)
    return tuple(together)


_WRITTEN_URL = re.compile(f"{URL_START}(.*?){URL_END}")


def text_segments(line: str, marks: Marks, links: frozenset[str]) -> Segments:
    """A line of plain text cut at its holes; in a URL that it writes out, values are percent-encoded."""
    found: list[Segment] = []
    # A split at a pattern with one group gives texts and URLs by turns.
    for number, part in enumerate(_WRITTEN_URL.split(line)):
        found.extend(segments_of(part, Place.ADDRESS if number % 2 else Place.TEXT, marks, links))
    return joined(found)


_TAG = re.compile(r"""<!--.*?-->|<(?:"[^"]*"|'[^']*'|[^>"'])*>""", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([\w:-]+)(\s*=\s*)("[^"]*"|'[^']*')""")
_URL_ATTRIBUTES = frozenset({"href", "src", "background", "action"})


def html_segments(page: str, marks: Marks, links: frozenset[str]) -> Segments:
    """An HTML page cut at its holes, each with the place that its surroundings give it."""
    found: list[Segment] = []
    at = 0
    for tag in _TAG.finditer(page):
        found.extend(segments_of(page[at : tag.start()], Place.HTML, marks, links))
        found.extend(_tag_segments(tag[0], marks, links))
        at = tag.end()
    found.extend(segments_of(page[at:], Place.HTML, marks, links))
    return joined(found)


def _tag_segments(tag: str, marks: Marks, links: frozenset[str]) -> list[Segment]:
    found: list[Segment] = []
    at = 0
    for attribute in _ATTRIBUTE.finditer(tag):
        found.append(tag[at : attribute.start(3)])
        place = Place.URL if attribute[1].lower() in _URL_ATTRIBUTES else Place.ATTRIBUTE
        found.extend(segments_of(attribute[3], place, marks, links))
        at = attribute.end(3)
    found.append(tag[at:])
    return found
