"""What is written in an event's texts and cannot be meant: a wrong weekday, a gap that was never filled in."""

import re
from collections.abc import Iterator
from datetime import date, datetime

from mkwmail.dutch.dates import date_in_words
from mkwmail.dutch.reading import dated_words
from mkwmail.errors import Fault
from mkwmail.language import _
from mkwmail.sources.yaml_file import Document, Loc

# Capitals count where the small word is ordinary Dutch: "vul in wat je wilt".
_LEFT_OVER = re.compile(
    r"\b(?:TODO|TBD|FIXME|VUL[ -]IN|INVULLEN|(?i:lorem(?: ipsum)?|x{3,}|xx[-/.]xx))\b|\?{3,}|\[\.{3}\]|<[a-z]+ hier>"
)
_TEMPLATE_SIGNS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
_FIELD = re.compile(r"(?<![{%])\{[A-Za-z_ ]{2,30}\}(?!\})")
# Where a remark behind one space may as well be the rest of the text.
_FREE = ("title", "theme", "subject", "name", "role", "organisation", "street", "city", "introduction", "text")
_FILES = ("attachments", "template", "audience", "of")


def text_faults(document: Document, starts: datetime | None) -> Iterator[Fault]:
    """Faults in every text of the file; ``starts`` gives the year to dates without one."""
    for loc, node, text in document.texts():
        if not _is_prose(loc):
            continue
        for found in _LEFT_OVER.finditer(text):
            place, _line = document.find(node, found.group())
            fault = _('"%(text)s" looks like something still to be filled in') % {"text": found.group()}
            yield Fault(place, fault, _("fill it in, or leave it out"))
        for found in _TEMPLATE_SIGNS.finditer(text):
            place, _line = document.find(node, found.group())
            fault = _("%(text)s would be mailed as it is: such signs work in templates only")
            yield Fault(place, fault % {"text": found.group()}, _("write the text itself"))
        for matched, weekday, day, month, year in dated_words(text):
            wrong = _wrong_date(weekday, day, month, year, starts)
            if wrong:
                place, line = document.find(node, matched)
                fault, right = wrong
                yield Fault(place, f'"{matched}": {fault}', _with_weekday(line, matched, right))


def text_warnings(document: Document, year: int | None) -> Iterator[Fault]:
    """What may be meant, but is odd: a field in braces where nothing is filled in, a remark that may be text."""
    for loc, node, text in document.texts():
        if _is_prose(loc) and loc[-1:] != ("url",):
            for found in _FIELD.finditer(text):
                place, _line = document.find(node, found.group())
                fault = _("%(text)s will be mailed as it is: nothing is filled in here")
                yield Fault(place, fault % {"text": found.group()})
        if loc[-1] in _FREE and node.line == node.end_line:
            behind = document.lines[node.line - 1][node.column - 1 + len(text) :]
            if re.match(r" # ?\S", behind):
                fault = _("what stands behind the # is a remark and is not mailed")
                yield Fault(document.at(node.line, node.column + len(text) + 1), fault)


def _is_prose(loc: Loc) -> bool:
    return loc[:1] != ("id",) and not any(step in _FILES for step in loc)


def _wrong_date(
    weekday: int | None, day: int, month: int, year: int | None, starts: datetime | None
) -> tuple[str, date | None] | None:
    """Why a date in a text cannot be right, and the date that is meant; None where it can."""
    years = [year] if year else _years(day, month, starts)
    dates = []
    for candidate in years:
        try:
            dates.append(date(candidate, month, day))
        except ValueError:
            continue
    if years and not dates:
        return _("this date does not exist"), None
    if not dates or weekday is None or any(each.weekday() == weekday for each in dates):
        return None
    fault = _("the weekday does not match, for it is %(date)s") % {"date": date_in_words(dates[0])}
    return fault, dates[0]


def _years(day: int, month: int, starts: datetime | None) -> list[int]:
    """The event's year; and the year before or after it where the date is nearer to the event then."""
    if starts is None:
        return []
    distance = month - starts.month
    if abs(distance) <= 6:
        return [starts.year]
    return [starts.year, starts.year - 1 if distance > 0 else starts.year + 1]


def _with_weekday(line: str, matched: str, right: date | None) -> str:
    if right is None or matched not in line:
        return ""
    word = date_in_words(right).split()[0]
    old = matched.split()[0]
    return line.replace(matched, matched.replace(old, word.capitalize() if old[0].isupper() else word, 1), 1)
