"""Passages: lines of the user's files and of the templates, with the words that a mail may have from them.

They answer where a sentence of a mail is written. The page compares a sentence with them by its words, because a mail
has no trace of the line that a word came from.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from jinja2 import nodes

from mkwmail.config.event import Event
from mkwmail.config.yaml_document import Document, Loc
from mkwmail.dutch.dates import date_in_short, date_without_year, range_in_prose, range_in_table
from mkwmail.mail.letter_view import plain_words
from mkwmail.mail.templates import Templates


class Passage(NamedTuple):
    """A line of a file.

    ``place`` is the file with the line: ``events/x.yaml:12``. ``texts``: the words of the line that a mail may have.
    ``copied_by``: the template to copy before the line can be changed; empty for a line of the user's own file.
    """

    place: str
    texts: tuple[str, ...]
    copied_by: str = ""


def of_event(document: Document, event: Event, mailing: str) -> Iterator[Passage]:
    """Yield the lines of the event's file, except those of other mailings.

    The moments have the words that mails have for them.
    """
    starts, ends = event.starts, event.ends
    moments: dict[Loc, tuple[str, ...]] = {("starts",): (date_without_year(starts), date_in_short(starts))}
    if ends.date() == starts.date():
        moments["starts",] += (range_in_table(starts.time(), ends.time()), range_in_prose(starts.time(), ends.time()))
    else:
        moments["ends",] = (date_without_year(ends),)
    if event.registration is not None and event.registration.deadline is not None:
        moments["registration", "deadline"] = (date_without_year(event.registration.deadline),)
    for loc, words in moments.items():
        node = document.node(loc)
        if node is not None:
            yield Passage(f"{document.shown}:{node.line}", words)
    yield from _lines(document, lambda loc: loc[0] != "mailings" or loc[1] == mailing)


# The settings whose words are in mails; others, such as the mail server's, are not for a page.
_SAID: Sequence[Loc] = (("association",), ("footer",), ("sender", "name"), ("sender", "role"), ("sender", "phone"))


def of_settings(document: Document) -> Iterator[Passage]:
    """Yield the lines of the settings that mails show."""
    return _lines(document, lambda loc: loc in _SAID)


def _lines(document: Document, is_wanted: Callable[[Loc], bool]) -> Iterator[Passage]:
    for loc, node, text in document.texts():
        if not loc or not is_wanted(loc) or loc in (("starts",), ("ends",), ("registration", "deadline")):
            continue
        if node.line == node.end_line:
            yield Passage(f"{document.shown}:{node.line}", (text,))
            continue
        for number in range(node.line, min(node.end_line, len(document.lines)) + 1):
            line = document.lines[number - 1][node.column - 1 if number == node.line else 0 :].strip()
            yield Passage(f"{document.shown}:{number}", (line,))


def of_templates(templates: Templates, names: Iterable[str], own: Iterable[str]) -> Iterator[Passage]:
    """Yield the lines of these templates that have words of their own.

    ``own``: those that are in the working folder.
    """
    mine = frozenset(own)
    for name in names:
        texts: dict[int, list[str]] = {}
        tree = templates.parsed(name)
        printed = [(node.lineno, node.data) for node in tree.find_all(nodes.TemplateData)]
        values = [(node.lineno, node.value) for node in tree.find_all(nodes.Const) if isinstance(node.value, str)]
        for first, said in (*printed, *values):
            for number, line in enumerate(said.split("\n"), start=first):
                texts.setdefault(number, []).append(re.sub(r"<[^>]*>", " ", line).strip())
        for number, found in sorted(texts.items()):
            if words := tuple(text for text in found if any(map(str.isalnum, text))):
                yield Passage(f"templates/{name}:{number}", words, "" if name in mine else name)


def heard(passages: Iterable[Passage], words: str) -> Iterator[Passage]:
    """Yield the passages with a text whose first two words are in a mail.

    ``words``: those of the mail (:func:`mkwmail.mail.letter_view.fixed_words`).
    """
    for passage in passages:
        starts = [(text, plain_words(text).split()[:2]) for text in passage.texts]
        texts = tuple(text for text, first in starts if first and f" {' '.join(first)} " in words)
        if texts:
            yield passage._replace(texts=texts)
