"""Headings of a member list, in Dutch and English, and their oddities."""

import difflib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mkwmail.errors import Fault, UserError
from mkwmail.i18n import _, ngettext
from mkwmail.members.cells import CellError, clean, shown_value
from mkwmail.members.table import Row, Table

Meanings = Mapping[str, tuple[str, ...]]

_LOOKED_AT = 20  # rows at the top that may be the headings: a title, a date or an explanation may precede them
_ALIKE = 0.75  # of 1: "emial" is like "email", "adres" is not like "mailadres"


@dataclass(frozen=True, slots=True)
class Headings:
    """The row of headings.

    ``columns`` gives the columns of each known meaning, more than one if it occurs twice; ``others`` gives those of
    each further heading, by its folded form; ``unnamed`` are the columns with values but without a heading.
    """

    row: Row
    columns: Mapping[str, tuple[int, ...]]
    others: Mapping[str, tuple[int, ...]]
    unnamed: tuple[int, ...]

    def written(self, column: int) -> str:
        """Return a column's heading as the file has it.

        Without a heading, return its letter in Excel.
        """
        return " ".join(self.row.cell(column).split()) or column_letter(column)


def heading_key(text: str) -> str:
    """Return the form in which headings are compared.

    It has letters and digits only, in lower case, without accents.

    >>> heading_key(" E-Mail adres: ")
    'emailadres'
    """
    return "".join(char for char in unicodedata.normalize("NFKD", text).casefold() if char.isalnum())


def column_name(text: str) -> str:
    """Return the name of a column in templates and audiences.

    It is the heading in lower case, with underscores for spaces.

    >>> column_name("Aantal  Woningen")
    'aantal_woningen'
    """
    return "_".join(unicodedata.normalize("NFC", text.replace("\ufeff", "")).casefold().split())


def column_letter(column: int) -> str:
    """Return a column, counted from 0, as Excel shows it: A, Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def find_headings(table: Table, meanings: Meanings) -> Headings:
    """Return the row near the top with the most known headings.

    If several have as many, it is the first of them; if no heading is known, it is the first row of all.

    :param table: a table with at least one row.
    :param meanings: the spellings of each meaning, in the form of :func:`heading_key`.
    """
    by_spelling = {spelling: meaning for meaning, spellings in meanings.items() for spelling in spellings}
    row = max(table.rows[:_LOOKED_AT], key=lambda row: sum(heading_key(cell) in by_spelling for cell in row.cells))
    columns: dict[str, tuple[int, ...]] = {}
    others: dict[str, tuple[int, ...]] = {}
    for column, cell in enumerate(row.cells):
        meaning = by_spelling.get(heading_key(cell))
        if meaning:
            columns[meaning] = (*columns.get(meaning, ()), column)
        elif name := column_name(cell):
            others[name] = (*others.get(name, ()), column)
    return Headings(row, columns, others, _unnamed(table, row))


def _unnamed(table: Table, headings: Row) -> tuple[int, ...]:
    below = [row for row in table.rows if row.number > headings.number]
    width = max((len(row.cells) for row in below), default=0)
    unnamed = [column for column in range(width) if not headings.cell(column).strip()]
    return tuple(column for column in unnamed if any(row.cell(column).strip() for row in below))


def nearest_heading(headings: Headings, spellings: tuple[str, ...]) -> str | None:
    """Return the heading, as written, that is most like a spelling.

    None if no heading is like one of the spellings.
    """
    best, found = 0.0, None
    for column, cell in enumerate(headings.row.cells):
        key = heading_key(cell)
        for spelling in spellings if key else ():
            likeness = difflib.SequenceMatcher(None, key, spelling).ratio()
            if likeness > max(best, _ALIKE):
                best, found = likeness, headings.written(column)
    return found


# Spellings as heading_key folds them: letters and digits only.
MEANINGS: Meanings = {
    "first": ("voornaam", "roepnaam", "firstname", "givenname"),
    "initials": ("voorletters", "voorletter", "voorl", "initialen", "initials"),
    "prefix": (
        *("tussenvoegsel", "tussenvoegsels", "tussenv", "tussenvgsl", "tussenvoegs", "tussenvoeg", "tv"),
        *("voorvoegsel", "voorvoegsels", "prefix", "infix", "surnameprefix", "nameprefix"),
    ),
    "surname": ("achternaam", "familienaam", "geslachtsnaam", "surname", "lastname", "familyname"),
    "written": (
        "naam",
        "volledigenaam",
        "weergavenaam",
        "naamvoluit",
        "contactpersoon",
        "name",
        "fullname",
        "displayname",
    ),
    "title": (
        *("aanhef", "aanspreektitel", "aanspreekvorm", "geslacht", "titel", "dhrmevr", "dhrmw", "mv", "sekse"),
        *("title", "gender", "sex", "salutation"),
    ),
    "email": (
        *("email", "emailadres", "mail", "mailadres", "epost", "emailzakelijk", "emailadreszakelijk", "zakelijkemail"),
        *("emailwerk", "emailadreswerk", "zakelijkemailadres", "email1", "emailadres1", "emailaddress", "mailaddress"),
    ),
    "organisation": (
        *("organisatie", "organisatienaam", "naamorganisatie", "corporatie", "woningcorporatie", "naamcorporatie"),
        *("corporatienaam", "bedrijf", "bedrijfsnaam", "naambedrijf", "werkgever", "instelling"),
        *("organisation", "organization", "company", "companyname", "employer"),
    ),
    "function": ("functie", "functienaam", "functietitel", "function", "jobtitle", "position", "role", "rol"),
    "number": (
        *("lidnummer", "lidnr", "nummer", "relatienummer", "relatienr", "ledennummer"),
        *("membernumber", "memberid", "number"),
    ),
    "do_not_mail": (
        *("nietmailen", "nietmailenreden", "redennietmailen", "geenmail", "nietmail", "optout", "uitgeschreven"),
        *("donotmail", "donotemail", "unsubscribed"),
    ),
}
_SPELLINGS = frozenset(spelling for spellings in MEANINGS.values() for spelling in spellings)


def is_known(cell: str) -> bool:
    """Return whether a text is a heading of a member list."""
    return heading_key(cell) in _SPELLINGS


def read_headings(table: Table, shown: str) -> Headings:
    """Return the headings of a member list.

    Each meaning has one column at most; e-mail and some kind of name are among them.

    :raises UserError: with all faults of the headings.
    """
    if not table.rows:
        raise UserError(
            Fault(shown, _("the list is empty"), _("save it again, with its headings and the members below them"))
        )
    headings = find_headings(table, MEANINGS)
    faults = [*_unreadable(table, headings, shown), *_twice(headings, shown), *_missing(table, headings, shown)]
    if faults:
        raise UserError(*faults)
    return headings


def _unreadable(table: Table, headings: Headings, shown: str) -> Iterator[Fault]:
    for column, cell in enumerate(headings.row.cells):
        place = f"{shown}:{headings.row.number} {column_letter(column)}"
        try:
            clean(cell)
        except CellError as wrong:
            yield Fault(place, wrong.fault, wrong.remedy)
        if (headings.row.number, column) in table.without_value:
            yield Fault(
                place,
                _("the heading is a formula without a saved outcome"),
                _("open the list in Excel and save it"),
            )


def _twice(headings: Headings, shown: str) -> Iterator[Fault]:
    for columns in (*headings.columns.values(), *headings.others.values()):
        if len(columns) > 1:
            first, second = columns[0], columns[1]
            yield Fault(
                f"{shown}:{headings.row.number}",
                _('the columns %(a)s "%(first)s" and %(b)s "%(second)s" mean the same')
                % {
                    "a": column_letter(first),
                    "first": shown_value(headings.written(first)),
                    "b": column_letter(second),
                    "second": shown_value(headings.written(second)),
                },
                _("delete one of them, or give it another heading"),
            )


def _missing(table: Table, headings: Headings, shown: str) -> Iterator[Fault]:
    place = f"{shown}:{headings.row.number}"
    if "email" not in headings.columns:
        if any("@" in cell for cell in headings.row.cells) and not headings.columns:
            yield Fault(
                place,
                _("the list has no headings: its first row holds an address already"),
                _("put a row above it: voornaam, achternaam, e-mail, organisatie, in the order of the columns"),
            )
            return
        yield Fault(
            place,
            _("no column has the heading e-mail; the headings found are: %(headings)s")
            % {"headings": _found(headings)},
            _remedy_for_email(table, headings),
        )
    if not {"written", "surname", "first"} & headings.columns.keys():
        yield Fault(
            place,
            _("no column holds names; the headings found are: %(headings)s") % {"headings": _found(headings)},
            _("add columns voornaam, tussenvoegsel and achternaam, or one column naam"),
        )


def _remedy_for_email(table: Table, headings: Headings) -> str:
    """Return how to name the column of e-mail addresses.

    The column is the one that holds addresses, whatever its heading, or else the one whose heading looks like e-mail.
    """
    below = [row for row in table.rows if row.number > headings.row.number]
    with_address = [
        column for column in range(len(headings.row.cells)) if any("@" in row.cell(column) for row in below)
    ]
    if len(with_address) == 1:
        heading = headings.written(with_address[0])
        return _('write e-mail above column %(column)s, now "%(heading)s"') % {
            "column": column_letter(with_address[0]),
            "heading": shown_value(heading),
        }
    nearest = nearest_heading(headings, MEANINGS["email"])
    if nearest:
        return _('change the heading "%(heading)s" to e-mail') % {"heading": shown_value(nearest)}
    return _("give the column with the addresses the heading e-mail")


def _found(headings: Headings) -> str:
    names = [f'"{shown_value(" ".join(cell.split()))}"' for cell in headings.row.cells if cell.strip()]
    return ", ".join((*names[:12], "…") if len(names) > 12 else names)


def notes(table: Table, headings: Headings) -> tuple[str, ...]:
    """Return what was read and what is odd about it, a sentence each."""
    return tuple(_notes(table, headings))


def _notes(table: Table, headings: Headings) -> Iterator[str]:
    if table.sheet:
        yield _('read from the sheet "%(sheet)s"') % {"sheet": table.sheet}
    else:
        separator = _("tabs") if table.separator == "\t" else table.separator
        yield _("read as %(encoding)s, separated by %(separator)s") % {
            "encoding": table.encoding,
            "separator": separator,
        }
    if table.other_sheets:
        others = ", ".join(f'"{name}"' for name in table.other_sheets)
        yield _("not read, for only the first sheet is: %(sheets)s") % {"sheets": others}
    if headings.row.number != table.rows[0].number:
        yield _("the headings are in row %(row)d; what stands above them was not read") % {"row": headings.row.number}
    if headings.others:
        yield _("further columns, for templates and audiences: %(columns)s") % {"columns": ", ".join(headings.others)}
    if headings.unnamed:
        letters = ", ".join(map(column_letter, headings.unnamed))
        yield ngettext(
            "column %(columns)s has values but no heading and was not read",
            "columns %(columns)s have values but no heading and were not read",
            len(headings.unnamed),
        ) % {"columns": letters}
    hidden = sum(row.number in table.hidden_rows and row.number > headings.row.number for row in table.rows)
    if hidden:
        yield ngettext(
            "%(count)d row is hidden in Excel, and was read all the same",
            "%(count)d rows are hidden in Excel, by a filter for instance, and were read all the same",
            hidden,
        ) % {"count": hidden}
