"""Headings of a member list, in Dutch and English, and their oddities."""

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from mkwmail.errors import Fault, UserError, fault_at, user_error
from mkwmail.i18n import _, ngettext, some
from mkwmail.members.cells import (
    CellError,
    adds_nothing,
    clean,
    column_letter,
    holds_addresses,
    holds_names,
    holds_prefixes,
    is_title,
    shown_value,
)
from mkwmail.members.table import Row, Table

Meanings = Mapping[str, tuple[str, ...]]

NO_COLUMNS: Mapping[str, str] = MappingProxyType({})

_LOOKED_AT = 20  # rows at the top that may be the headings: a title, a date or an explanation may precede them
_ALSO_FURTHER = frozenset(("phone",))  # known columns that templates and audiences use as further columns too
# Known columns of which a list may have more than one: a member may have assistants, and be left out for two reasons.
_SEVERAL = frozenset(("copy_to", "do_not_mail"))
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

    It is the heading in lower case, with underscores for spaces and punctuation.

    >>> column_name("Aantal  Woningen"), column_name("Tel. nr.")
    ('aantal_woningen', 'tel_nr')
    """
    folded = unicodedata.normalize("NFC", text.replace("\ufeff", "")).casefold()
    return "_".join(re.findall(r"[^\W_]+", folded)) or "_".join(folded.split())


def find_headings(table: Table, meanings: Meanings) -> Headings:
    """Return the row near the top with the most known headings.

    If several have as many, it is the first of them. If no heading is known, it is the first row with several texts and
    no address, or else the first row of all.

    :param table: a table with at least one row.
    :param meanings: the spellings of each meaning, in the form of :func:`heading_key`.
    """
    by_spelling = {spelling: meaning for meaning, spellings in meanings.items() for spelling in spellings}
    row = _row_of_headings(table.rows[:_LOOKED_AT], by_spelling.keys())
    columns: dict[str, tuple[int, ...]] = {}
    others: dict[str, tuple[int, ...]] = {}
    for column, cell in enumerate(row.cells):
        meaning = by_spelling.get(heading_key(cell))
        if meaning and not (meaning in _ALSO_FURTHER and meaning in columns):
            columns[meaning] = (*columns.get(meaning, ()), column)
        if (not meaning or meaning in _ALSO_FURTHER) and (name := column_name(cell)):
            others[name] = (*others.get(name, ()), column)
    return Headings(row, columns, others, _unnamed(table, row))


def _row_of_headings(rows: Sequence[Row], known: Collection[str]) -> Row:
    best = max(rows, key=lambda row: sum(heading_key(cell) in known for cell in row.cells))
    if any(heading_key(cell) in known for cell in best.cells):
        return best
    several = (row for row in rows if sum(bool(cell.strip()) for cell in row.cells) > 1)
    return next((row for row in several if not any("@" in cell for cell in row.cells)), rows[0])


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
    "first": (
        *("voornaam", "roepnaam", "voornamen", "voornaamroepnaam", "voorn", "vnaam", "foarnamme", "firstname"),
        *("givenname", "forename", "first"),
    ),
    "initials": ("voorletters", "voorletter", "voorl", "initialen", "initials"),
    "prefix": (
        *("tussenvoegsel", "tussenvoegsels", "tussenv", "tussenvgsl", "tussenvoegs", "tussenvoeg", "tv", "tussen"),
        *("tsv", "tvgsl", "tussenvgs", "voorvoegsel", "voorvoegsels", "voorv", "voorvgsl", "tuskenheaksel"),
        *("prefix", "infix", "surnameprefix", "nameprefix"),
    ),
    "surname": (
        *("achternaam", "familienaam", "geslachtsnaam", "achtern", "anaam", "efternamme", "surname", "lastname"),
        *("familyname", "last"),
    ),
    "written": (
        *("naam", "volledigenaam", "weergavenaam", "naamvoluit", "contactpersoon", "naamcontactpersoon"),
        *("naamdirecteur", "naambestuurder", "naamlid", "achternaamvoornaam", "namme", "name", "fullname"),
        *("displayname",),
    ),
    "title": (
        *("aanhef", "aanspreektitel", "aanspreekvorm", "geslacht", "titel", "dhrmevr", "dhrmw", "mv", "sekse"),
        *("title", "gender", "sex", "salutation"),
    ),
    "email": (
        *("email", "emailadres", "mail", "mailadres", "epost", "emailzakelijk", "emailadreszakelijk", "zakelijkemail"),
        *("emailwerk", "emailadreswerk", "zakelijkemailadres", "email1", "emailadres1", "emailaddress", "mailaddress"),
        *("emailadressen", "primaryemail", "primairemailadres", "primairemail", "email1value", "useremail"),
        *("userprincipalname", "emailadresprimair", "workemail", "businessemail", "werkemail"),
        *("emailadrescontactpersoon",),
    ),
    "organisation": (
        *("organisatie", "organisatienaam", "naamorganisatie", "corporatie", "woningcorporatie", "naamcorporatie"),
        *("corporatienaam", "bedrijf", "bedrijfsnaam", "naambedrijf", "werkgever", "instelling"),
        *("organisation", "organization", "company", "companyname", "employer"),
        *("organizationname", "organization1name", "accountname", "accountnaam", "huidigewerkgever", "currentemployer"),
        *("associatedcompany", "naamwerkgever", "naaminstelling", "gekoppeldbedrijf", "relatienaam"),
    ),
    "function": ("functie", "functienaam", "functietitel", "function", "jobtitle", "position", "role", "rol"),
    "number": (
        *("lidnummer", "lidnr", "nummer", "relatienummer", "relatienr", "ledennummer"),
        *("membernumber", "memberid", "number"),
    ),
    "phone": (
        *("telefoon", "telefoonnummer", "telnr", "telnummer", "tel", "mobiel", "mobielnummer", "telefoonmobiel"),
        *("mobieletelefoon", "gsm", "phone", "phonenumber", "telephone", "mobile", "mobilephone"),
    ),
    "copy_to": ("kopieaan", "kopieaan1", "kopieaan2", "kopieaan3", "kopieaanemail", "kopienaar", "copyto"),
    "do_not_mail": (
        *("nietmailen", "nietmailenreden", "redennietmailen", "geenmail", "nietmail", "optout", "uitgeschreven"),
        *("geenmailing", "geenmailings", "geenemail", "nietmeermailen", "nietaanschrijven", "nietbenaderen"),
        *("uitgeschrevenop", "donotmail", "donotemail", "nomail", "unsubscribed", "nietemailen", "emailoptout"),
        *("unsubscribedfromallemail", "hasoptedoutofemail", "geenbulkmail", "geenbulkmailoptout", "unsubtime"),
        *("donotbulkemail", "donotallowemails", "donotallowbulkemails", "afgemeldvooremail", "unsubscribedat"),
    ),
}
_SPELLINGS = frozenset(spelling for spellings in MEANINGS.values() for spelling in spellings)


#: The names of columns in the settings and in questions: the first spelling of each meaning in Dutch.
COLUMN_NAMES: Mapping[str, str] = {
    "first": "voornaam",
    "initials": "voorletters",
    "prefix": "tussenvoegsel",
    "surname": "achternaam",
    "written": "naam",
    "title": "aanhef",
    "email": "e-mail",
    "organisation": "organisatie",
    "function": "functie",
    "number": "lidnummer",
    "phone": "telefoon",
    "copy_to": "kopie aan",
    "do_not_mail": "niet mailen",
}


def meaning_of(name: str) -> str | None:
    """Return the meaning of a column's name, as in the settings; None if it has none."""
    key = heading_key(name)
    return next((meaning for meaning, spellings in MEANINGS.items() if key in spellings), None)


def meanings_with(own: Mapping[str, str]) -> Meanings:
    """Return the meanings of headings in a list that has some of its own.

    A heading of its own takes the place of the known spellings: if the names are below "Directeur", then a column
    "Naam" is another column.

    :param own: the name of a column (:data:`COLUMN_NAMES` or another spelling) → its heading in the list.
    """
    headings = {meaning: (heading_key(heading),) for name, heading in own.items() if (meaning := meaning_of(name))}
    taken = {key for keys in headings.values() for key in keys}
    kept = {meaning: tuple(key for key in keys if key not in taken) for meaning, keys in MEANINGS.items()}
    return {**kept, **headings}


class UnknownHeadingsError(UserError):
    """A list in which a necessary column cannot be found by its heading.

    ``candidates``: the name of each missing column → the headings that it may have in the list.
    """

    def __init__(self, candidates: Mapping[str, tuple[str, ...]], *faults: Fault) -> None:
        super().__init__(*faults)
        self.candidates = candidates


def suits(rows: Sequence[Row], meanings: Meanings) -> int:
    """Return how much the first rows of a sheet look like a member list.

    Most of all, it has a column for addresses with addresses in it.
    """
    if not rows:
        return 0
    headings = find_headings(Table(tuple(rows)), meanings)
    below = [row for row in rows if row.number > headings.row.number]
    column = headings.columns.get("email", (-1,))[0]
    score = 1000 if column >= 0 and any("@" in row.cell(column) for row in below) else 0
    score += 100 if column >= 0 else 0
    score += 50 if any("@" in cell for row in below for cell in row.cells) else 0
    return score + len(headings.columns)


def read_headings(table: Table, shown: str, own: Mapping[str, str] = NO_COLUMNS) -> Headings:
    """Return the headings of a member list.

    Each meaning has one column at most; e-mail and some kind of name are among them.

    :param own: headings of the list's own, as in :func:`meanings_with`.
    :raises UserError: with all faults of the headings. It is an :class:`UnknownHeadingsError` if a person can tell
        which columns are meant.
    """
    if not table.rows:
        raise user_error(
            shown, _("the list is empty"), _("save it again, with its headings and the members below them")
        )
    headings = _by_their_values(table, find_headings(table, meanings_with(own)), own)
    faults = [*_unreadable(table, headings, shown), *_twice(headings, shown), *_not_there(headings, shown, own)]
    missing = list(_missing(table, headings, shown))
    if faults or missing:
        candidates = {name: found for name in _lacking(headings) if (found := _candidates(table, headings, name))}
        if candidates and not faults:
            raise UnknownHeadingsError(candidates, *missing)
        raise UserError(*faults, *missing)
    return headings


_MIDDLE_NAME = frozenset(("middlename", "middelstenaam", "tweedenaam", "additionalname"))


def _by_their_values(table: Table, headings: Headings, own: Mapping[str, str]) -> Headings:
    """Return the headings with the columns whose values tell that another meaning is right.

    A "Title" may be a job, a "Prefix" the title, and a "Middle Name" the prefix. Of two columns with one meaning, an
    empty one is left out, and so is a part of the names that the other has whole.
    """
    below = [row for row in table.rows if row.number > headings.row.number]
    columns, others = dict(headings.columns), dict(headings.others)

    def values(column: int) -> list[str]:
        return [text for row in below if (text := row.cell(column).strip())]

    def move(column: int, meaning: str, to: str = "") -> None:
        columns[meaning] = tuple(each for each in columns[meaning] if each != column)
        if not columns[meaning]:
            del columns[meaning]
        if to and to not in columns:
            columns[to] = (column,)
        else:
            name = column_name(headings.row.cell(column))
            others[name] = (*others.get(name, ()), column)

    given = {meaning_of(name) for name in own}
    for column in () if given & {"prefix", "title"} else columns.get("prefix", ()):
        if values(column) and all(map(is_title, values(column))):
            move(column, "prefix", "title")
    for column in () if "title" in given else columns.get("title", ()):
        jobs = [text for text in values(column) if len(text) > 2 and not is_title(text)]
        if heading_key(headings.row.cell(column)) in ("title", "titel") and jobs and jobs == values(column):
            move(column, "title", "function")
    for meaning in [each for each, found in columns.items() if len(found) > 1 and each not in _SEVERAL]:
        for column in columns[meaning]:
            others_of_it = [[row.cell(each) for row in below] for each in columns[meaning] if each != column]
            if others_of_it and adds_nothing([row.cell(column) for row in below], others_of_it, meaning):
                move(column, meaning)
    middle = [each for name, found in others.items() if heading_key(name) in _MIDDLE_NAME for each in found]
    if "prefix" not in columns and len(middle) == 1 and holds_prefixes(values(middle[0])):
        columns["prefix"] = (middle[0],)
        del others[column_name(headings.row.cell(middle[0]))]
    return Headings(headings.row, columns, others, headings.unnamed)


def _lacking(headings: Headings) -> list[str]:
    """Return the names of the columns that are necessary, or parts of a name, and were not found."""
    lacking = [] if "email" in headings.columns else [COLUMN_NAMES["email"]]
    if not _has_names(headings):
        return [*lacking, COLUMN_NAMES["written"]]
    if not {"written", "first", "initials"} & headings.columns.keys():
        lacking.append(COLUMN_NAMES["first"])
    return lacking if "prefix" in headings.columns else [*lacking, COLUMN_NAMES["prefix"]]


def _has_names(headings: Headings) -> bool:
    return bool({"written", "surname", "first"} & headings.columns.keys())


def _candidates(table: Table, headings: Headings, name: str) -> tuple[str, ...]:
    """Return the headings of the unknown columns whose values fit a column, as written."""
    below = [row for row in table.rows if row.number > headings.row.number]
    if any("@" in cell for cell in headings.row.cells):
        return ()
    fits = _FITTING[name]
    known = {column for columns in headings.columns.values() for column in columns}
    unknown = sorted({column for columns in headings.others.values() for column in columns} - known)
    if name == COLUMN_NAMES["first"]:
        unknown = [column for column in unknown if _FIRST_NAME.match(heading_key(headings.written(column)))]
    return tuple(headings.written(column) for column in unknown if fits([row.cell(column).strip() for row in below]))


_FIRST_NAME = re.compile(r"voorn|roepn|foarn|doopn|first|given")
_FITTING: Mapping[str, Callable[[Sequence[str]], bool]] = {
    "e-mail": holds_addresses,
    "naam": holds_names,
    "voornaam": holds_names,
    "tussenvoegsel": holds_prefixes,
}


def _not_there(headings: Headings, shown: str, own: Mapping[str, str]) -> Iterator[Fault]:
    for name, heading in own.items():
        meaning = meaning_of(name)
        if meaning and meaning not in headings.columns:
            fault = _(
                'the list has no column "%(heading)s", which mkwmail.yaml names for %(name)s; it has: %(headings)s'
            )
            words = {"heading": shown_value(heading), "name": name, "headings": _found(headings)}
            remedy = _("correct columns: in mkwmail.yaml, or the heading in the list")
            yield Fault(f"{shown}:{headings.row.number}", fault % words, remedy)


def _unreadable(table: Table, headings: Headings, shown: str) -> Iterator[Fault]:
    for column, cell in enumerate(headings.row.cells):
        place = f"{shown}:{headings.row.number} {column_letter(column)}"
        try:
            clean(cell)
        except CellError as wrong:
            yield Fault(place, wrong.fault, wrong.remedy)
        if (headings.row.number, column) in table.without_value:
            yield Fault(
                place, _("the heading is a formula without a saved result"), _("open the list in Excel and save it")
            )


def _twice(headings: Headings, shown: str) -> Iterator[Fault]:
    once = [columns for meaning, columns in headings.columns.items() if meaning not in _SEVERAL]
    for columns in (*once, *headings.others.values()):
        if len(columns) > 1:
            first, second = columns[0], columns[1]
            yield fault_at(
                f"{shown}:{headings.row.number}",
                _('the columns %(a)s "%(first)s" and %(b)s "%(second)s" mean the same'),
                _("delete one of them, or give it another heading"),
                a=column_letter(first),
                first=shown_value(headings.written(first)),
                b=column_letter(second),
                second=shown_value(headings.written(second)),
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
    if not _has_names(headings):
        yield Fault(
            place,
            _("no column holds names; the headings found are: %(headings)s") % {"headings": _found(headings)},
            _remedy_for_names(_candidates(table, headings, COLUMN_NAMES["written"])),
        )
        return
    for name in set(_lacking(headings)) - {COLUMN_NAMES["email"]}:
        for heading in _candidates(table, headings, name)[:1]:
            words = {"heading": shown_value(heading), "name": name}
            yield Fault(
                place,
                _('the column "%(heading)s" looks like %(name)s, and would not be in the names') % words,
                _('write %(name)s above it; or write in mkwmail.yaml: columns: {%(name)s: "%(heading)s"}') % words,
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
        words = {"column": column_letter(with_address[0]), "heading": shown_value(heading)}
        if heading == words["column"]:
            return _("write e-mail above column %(column)s") % words
        return (
            _(
                'write e-mail above column %(column)s, now "%(heading)s"; '
                'or write in mkwmail.yaml: columns: {e-mail: "%(heading)s"}'
            )
            % words
        )
    if with_address:
        shown = ", ".join(f'"{shown_value(headings.written(column))}"' for column in with_address[:5])
        words = {"headings": shown, "heading": shown_value(headings.written(with_address[0]))}
        return (
            _(
                "addresses are below %(headings)s: write e-mail above the members' own; "
                'or write in mkwmail.yaml: columns: {e-mail: "%(heading)s"}'
            )
            % words
        )
    nearest = nearest_heading(headings, MEANINGS["email"])
    if nearest:
        return _('change the heading "%(heading)s" to e-mail') % {"heading": shown_value(nearest)}
    return _("give the column with the addresses the heading e-mail")


def _remedy_for_names(candidates: Sequence[str]) -> str:
    if not candidates:
        return _("add columns voornaam, tussenvoegsel and achternaam, or one column naam")
    found = [f'"{shown_value(heading)}"' for heading in candidates]
    words = {"heading": shown_value(candidates[0]), "headings": ", ".join(found[:5])}
    if len(found) == 1:
        return _('if the names are below "%(heading)s", write in mkwmail.yaml: columns: {naam: "%(heading)s"}') % words
    return (
        _('if the names are below one of %(headings)s, write it in mkwmail.yaml: columns: {naam: "%(heading)s"}')
        % words
    )


def _found(headings: Headings) -> str:
    names = [f'"{shown_value(" ".join(cell.split()))}"' for cell in headings.row.cells if cell.strip()]
    return ", ".join((*names[:12], "…") if len(names) > 12 else names)


def how_read(table: Table, headings: Headings) -> tuple[str, ...]:
    """Return how the list was read, a sentence each."""
    return tuple(_how_read(table, headings))


def _how_read(table: Table, headings: Headings) -> Iterator[str]:
    if table.sheet:
        yield _('read from the sheet "%(sheet)s"') % {"sheet": table.sheet}
    else:
        separator = _("tabs") if table.separator == "\t" else table.separator
        yield _("read as %(encoding)s (separator: %(separator)s)") % {
            "encoding": table.encoding,
            "separator": separator,
        }
    known = {column for columns in headings.columns.values() for column in columns}
    further = [name for name, columns in headings.others.items() if columns[0] not in known]
    if further:
        yield _("further columns, for templates and audiences: %(columns)s") % {"columns": ", ".join(further)}


def oddities(table: Table, headings: Headings) -> tuple[str, ...]:
    """Return what is odd about the way in which the list was read, a sentence each."""
    return tuple(_oddities(table, headings))


# In the folded heading of a column that may say who does not want mail, or is no member any more.
_MAY_MEAN_LEFT = re.compile(
    "mailen|mailing|nieuwsbrief|optin|afgemeld|opgezegd|uitgeschreven|uitschrij|uitdienst|overleden|actief|bezwaar|"
    "blokkade|lidtot|einddatum|avg|optout|unsub|gemaild|toestemming|consent|permission"
)
_LEFT = re.compile(
    "uitgeschreven|afgemeld|unsubscribed|opgezegd|overleden|geroyeerd|inacti(?:ef|ve)|cleaned|bounced|oudlid"
)


def _may_mean_left(table: Table, headings: Headings, column: int) -> bool:
    if _MAY_MEAN_LEFT.search(heading_key(headings.written(column))):
        return True
    cells = {row.cell(column) for row in table.rows}
    return any(_LEFT.fullmatch(heading_key(cell)) for cell in cells)


def _oddities(table: Table, headings: Headings) -> Iterator[str]:
    if table.other_sheets:
        others = ", ".join(f'"{name}"' for name in table.other_sheets)
        yield _('only the sheet "%(sheet)s" was read, not %(others)s') % {"sheet": table.sheet, "others": others}
        for name, addresses in table.elsewhere.items():
            yield ngettext(
                'the sheet "%(sheet)s" has %(count)d address that is not in this list',
                'the sheet "%(sheet)s" has %(count)d addresses that are not in this list',
                addresses,
            ) % {"sheet": name, "count": addresses}
    if table.unfolded:
        yield _("every row was one cell, with the whole row in it; the rows were read from these cells")
    if headings.row.number != table.rows[0].number:
        yield _("the headings are in row %(row)d; the rows above them were not read") % {"row": headings.row.number}
    for columns in headings.others.values():
        if "do_not_mail" not in headings.columns and _may_mean_left(table, headings, columns[0]):
            yield _('the column "%(heading)s" keeps nobody from being mailed: only a column niet mailen does') % {
                "heading": shown_value(headings.written(columns[0]))
            }
        if any("@" in row.cell(columns[0]) for row in table.rows if row.number > headings.row.number):
            yield _(
                'nobody at the addresses in the column "%(heading)s" is mailed: copies are for a column kopie aan'
            ) % {"heading": shown_value(headings.written(columns[0]))}
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
    struck = [row.number for row in table.rows if row.number in table.struck_rows and row.number > headings.row.number]
    if struck:
        yield ngettext(
            "row %(rows)s has text that is struck through in Excel, and was read all the same",
            "rows %(rows)s have text that is struck through in Excel, and were read all the same",
            len(struck),
        ) % {"rows": some([str(number) for number in struck])}
    yield from _as_meant(table, headings)


def _as_meant(table: Table, headings: Headings) -> Iterator[str]:
    rows = {row.number: row for row in table.rows}
    marked = [place for place in table.marked if place[0] > headings.row.number]
    if marked:
        yield ngettext(
            "%(count)d value was read without Excel's text mark: %(value)s in row %(row)d",
            "%(count)d values were read without Excel's text mark, the first is %(value)s in row %(row)d",
            len(marked),
        ) % _first_of(marked, rows)
    formatted = [place for place in table.formatted if place[0] > headings.row.number and place[0] in rows]
    if formatted:
        yield ngettext(
            "%(count)d number was read as its cell shows it: %(value)s in row %(row)d",
            "%(count)d numbers were read as their cells show them, the first is %(value)s in row %(row)d",
            len(formatted),
        ) % _first_of(formatted, rows)


def _first_of(places: Sequence[tuple[int, int]], rows: Mapping[int, Row]) -> dict[str, int | str]:
    row, column = places[0]
    return {"count": len(places), "row": row, "value": shown_value(rows[row].cell(column))}
