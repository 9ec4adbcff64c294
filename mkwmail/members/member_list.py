"""Member list (CSV or Excel) as members.

Every faulty cell is named, and nothing is guessed.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import NamedTuple

from mkwmail.addresses import address_key, is_example
from mkwmail.dutch.names import Name, Title, full_name
from mkwmail.errors import Fault, UserError
from mkwmail.i18n import _, ngettext, some
from mkwmail.members import headings as list_headings
from mkwmail.members.cells import (
    CellError,
    bare_address,
    clean,
    excel_error,
    is_no_address,
    is_slip,
    likely_meant,
    named_addresses,
    read_address,
    refuse_as_above,
    shown_value,
)
from mkwmail.members.headings import (
    COLUMN_NAMES,
    NO_COLUMNS,
    Headings,
    column_letter,
    heading_key,
    meaning_of,
)
from mkwmail.members.names import OfficeError, agree, completed, is_blank, no_person, read_aanhef, read_name
from mkwmail.members.table import Row, Table, read_table

# In the name of a further column: "tel_nr", "vast_tel", but not "telt_mee".
_TELEPHONE = re.compile(r"telefoon|mobiel|phone|mobile|(?:^|_)(?:gsm|tel(?![lt]))")


class Assistant(NamedTuple):
    """Somebody who gets a copy of a member's mails, from the column `kopie aan`.

    ``name`` is as written in front of the address; often it is empty.
    """

    name: str
    email: str


class Member(NamedTuple):
    """A cleaned row of the member list.

    Its texts are trimmed, with white space collapsed and without control characters.
    """

    row: int  # the number of the row in Excel: the headings are row 1
    name: Name
    email: str  # as SMTP carries it: ASCII, the domain in punycode; empty: to be reached by post or telephone
    organisation: str = ""
    function: str = ""
    number: str = ""
    do_not_mail: str = ""  # the text of the column `niet mailen`: the reason; empty: may be mailed
    phone: str = ""
    columns: Mapping[str, str] = NO_COLUMNS  # the further columns, by folded heading
    assistants: tuple[Assistant, ...] = ()

    @property
    def address_key(self) -> str:
        """The address in the form in which addresses are compared."""
        return address_key(self.email)

    @property
    def telephones(self) -> str:
        """All telephone numbers, of further columns too; empty if there is none."""
        further = (value for name, value in self.columns.items() if _TELEPHONE.search(name))
        return " / ".join(dict.fromkeys(number for number in (self.phone, *further) if number))


#: Columns that are fields of a member, by the name that they have in the settings.
KNOWN_COLUMNS: Mapping[str, Callable[[Member], str]] = {
    "organisatie": lambda member: member.organisation,
    "functie": lambda member: member.function,
    "lidnummer": lambda member: member.number,
    "telefoon": lambda member: member.phone,
    "kopie aan": lambda member: ", ".join(each.email for each in member.assistants),
    "e-mail": lambda member: member.email,
    "naam": lambda member: full_name(member.name),
    "voornaam": lambda member: member.name.first,
    "achternaam": lambda member: member.name.surname,
    "aanhef": lambda member: member.name.title,
}


def column_of(heading: str, members: Iterable[Member]) -> Callable[[Member], str] | None:
    """Return the function for a member's value in a column; None if the list has no such column.

    A known column without any value counts as absent: it would choose no member.
    """
    key, everyone = heading_key(heading), tuple(members)
    names = {name for member in everyone for name in member.columns}
    column = next((name for name in sorted(names) if heading_key(name) == key), None)
    if column is not None:
        return lambda member: member.columns.get(column, "")
    value_of = KNOWN_COLUMNS.get(COLUMN_NAMES.get(meaning_of(heading) or "", ""))
    return value_of if value_of is not None and any(map(value_of, everyone)) else None


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """A row that cannot be mailed because of its faults.

    ``name`` and ``email`` are filled as far as they can be read.
    """

    row: int
    name: str
    address: str
    faults: tuple[Fault, ...]


_NAME_PARTS = ("first", "initials", "prefix", "surname")
_LONGEST = 200  # characters of a name, an organisation or a function: a longer text is in the wrong column
_MAY_BE_MAILED = frozenset(
    ("", "nee", "neen", "n", "no", "0", "false", "onwaar", "nvt", "nietvantoepassing", "geen", "☐", "□")
)
_NO_WORD = re.compile(r"[\s.,!?()\[\]-]+")
# It may mean that mail is allowed.
_UNCLEAR = re.compile(r"(?:nee|neen|mag|wel|graag|ok|oke|oké|akkoord|toegestaan|geen bezwaar)\b")
_NO_REASON = frozenset(("x", "ja", "j", "yes", "y", "1", "true", "waar", "v", "✓", "✔", "niet mailen", "optout"))


def read_row(row: Row, table: Table, headings: Headings, shown: str) -> Member | FaultyRow:
    """Return the member in a row below the headings, or all its faults.

    A member needs a name; an address that cannot be mailed is a fault, no address is none. One who is not to be mailed
    needs no usable name or address: such a row is faulty only if a text has characters that are never allowed.
    """
    cells = _Cells(row, table, headings, shown)
    texts = {meaning: cells.text(columns[0]) for meaning, columns in headings.columns.items()}
    further = {name: cells.text(columns[0], longest=None) for name, columns in headings.others.items()}
    cells.check_width()
    do_not_mail = cells.reason(texts.get("do_not_mail", ""))
    checked = cells if not do_not_mail else _Cells(row, table, headings, shown)
    name = checked.name(texts)
    email = checked.address(texts.get("email", ""), name)
    assistants = checked.assistants()
    checked.check_reachable(name, email)
    if cells.faults:
        return FaultyRow(row.number, full_name(name), email or texts.get("email", ""), tuple(cells.faults))
    return Member(
        row=row.number,
        name=name,
        email=email,
        organisation=intern(texts.get("organisation", "")),
        function=intern(texts.get("function", "")),
        number=texts.get("number", ""),
        do_not_mail=do_not_mail,
        phone=texts.get("phone", ""),
        columns=further or NO_COLUMNS,
        assistants=assistants,
    )


def _reason(text: str) -> str:
    """Return why a member must not be mailed; empty if mail is allowed.

    :raises CellError: if it may say that mail is allowed.
    """
    if not text:
        return ""
    folded = _NO_WORD.sub(" ", text.casefold()).strip()
    if _MAY_BE_MAILED.intersection((folded, folded.replace(" ", ""))) and text != "?":
        return ""
    if text == "?" or _UNCLEAR.match(folded):
        raise CellError(
            _('"%(value)s" does not say whether the member may be mailed') % {"value": shown_value(text)},
            _("leave the cell empty if mail is allowed; otherwise write the reason"),
        )
    return _("marked in the member list as not to be mailed") if folded in _NO_REASON else text


class _Cells:
    """Cells of one row, and the faults found while reading them."""

    def __init__(self, row: Row, table: Table, headings: Headings, shown: str) -> None:
        self.faults: list[Fault] = []
        self._row = row
        self._table = table
        self._headings = headings
        self._shown = shown
        self._refused: set[int] = set()

    def text(self, column: int, longest: int | None = _LONGEST) -> str:
        """Return the cleaned text of a cell.

        If it cannot be used, record a fault and return an empty text.
        """
        lacking = self._table.without_value
        try:
            if lacking and (lack := lacking.get((self._row.number, column))) is not None:
                raise excel_error(lack) if lack else _no_outcome()
            text = clean(self._row.cell(column))
            if longest and len(text) > longest:
                raise _too_long(text, longest)
            if longest:
                refuse_as_above(text)
        except CellError as wrong:
            self._refuse(column, wrong)
            return ""
        return text

    def check_width(self) -> None:
        """Check that a row of a text file is not wider than the headings.

        If it is, a value has a separator inside, and all values after it have moved one column.
        """
        width = len(self._headings.row.cells)
        if self._table.sheet or not any(cell.strip() for cell in self._row.cells[width:]):
            return
        place = f"{self._shown}:{self._row.number}"
        cells = {"cells": len(self._row.cells), "headings": width, "separator": self._table.separator}
        self.faults.append(
            Fault(
                place,
                _("the row has %(cells)d cells and the headings are %(headings)d") % cells,
                _('put a value that holds the separator %(separator)s between quotation marks: "…"') % cells,
            )
        )

    def reason(self, text: str) -> str:
        """Return why the member must not be mailed; empty if mail is allowed.

        If that is not clear, record a fault and return an empty text.
        """
        try:
            return _reason(text)
        except CellError as wrong:
            self._refuse(self._column("do_not_mail"), wrong)
            return ""

    def title(self, text: str) -> Title:
        """Return the title that the cell means.

        If the word is not a title, record a fault and return none.
        """
        try:
            return read_aanhef(text)
        except CellError as wrong:
            self._refuse(self._column("title"), wrong)
            return ""

    def name(self, texts: Mapping[str, str]) -> Name:
        """Return the name, and record a fault if it is not one person's.

        A whole name is taken apart for the parts that have no column of their own, or an empty cell.
        """
        parts = {part: text if (text := texts.get(part, "")) and not is_blank(text) else "" for part in _NAME_PARTS}
        given = Name(
            first=parts["first"],
            initials=parts["initials"],
            prefix=intern(parts["prefix"]),
            surname=parts["surname"],
            title=self.title(texts.get("title", "")),
        )
        written = texts.get("written", "")
        whole = written or " ".join(filter(None, (texts.get(part, "") for part in _NAME_PARTS if part != "initials")))
        wrong = no_person(whole, texts.get("organisation", ""))
        if wrong and parts["first"] and written.replace(" ", "").isalpha() and not is_blank(written):
            wrong = no_person(f"{parts['first']} {written}")  # "de Raad" is the surname here
        if isinstance(wrong, OfficeError):
            if not parts["initials"]:
                return Name(left_out=whole)
            wrong = None  # "J.", "Kring"
        if wrong is not None and not any(self._is_refused(part) for part in (*_NAME_PARTS, "written")):
            self._refuse(self._column("written" if written else "surname", "surname", "first"), wrong)
            return given._replace(written=written)
        if not written:
            return given
        read = read_name(written)
        if given.title and read.title and given.title != read.title:
            words = {"title": texts["title"], "value": shown_value(written)}
            fault = _('"%(title)s" and "%(value)s" do not agree') % words
            self._refuse(self._column("title"), CellError(fault, _("correct one of them")))
        if given.surname and not agree(written, given):
            words = {"title": full_name(given), "value": shown_value(written)}
            fault = _('"%(title)s" and "%(value)s" do not agree') % words
            remedy = _("correct one of them; if the column has no names of people, give it the heading organisatie")
            self._refuse(self._column("written"), CellError(fault, remedy))
        return completed(given, read)

    def address(self, text: str, name: Name) -> str:
        """Return the address as SMTP carries it; empty if the member has none.

        If it cannot be mailed, or is behind another person's name, record a fault and return an empty text.
        """
        try:
            if is_no_address(text):
                return ""
            if "<" in text:
                _refuse_other_name(text, full_name(name))
            return read_address(bare_address(text) or text)
        except CellError as wrong:
            self._refuse(self._column("email"), wrong)
            return ""

    def assistants(self) -> tuple[Assistant, ...]:
        """Return who gets a copy of the member's mails, each address once.

        If an address cannot be mailed, record a fault and leave it out.
        """
        found: dict[str, Assistant] = {}
        for column in self._headings.columns.get("copy_to", ()):
            for name, address in named_addresses(self.text(column)):
                try:
                    email = read_address(address)
                except CellError as wrong:
                    self._refuse(column, wrong)
                else:
                    found.setdefault(address_key(email), Assistant(name, email))
        return tuple(found.values())

    def check_reachable(self, name: Name, email: str) -> None:
        """Check that a row has a name or an address, or a fault of its own."""
        if not (email or self.faults or full_name(name)):
            office = no_person(name.left_out)
            wrong = office or CellError(
                _("the name is missing"), _("fill in the name or the address, or delete the row")
            )
            self._refuse(self._column("written", "surname", "first"), wrong)

    def _column(self, *meanings: str) -> int:
        """Return the column of the first of these meanings in the list."""
        return next(self._headings.columns[meaning][0] for meaning in meanings if meaning in self._headings.columns)

    def _is_refused(self, meaning: str) -> bool:
        return any(column in self._refused for column in self._headings.columns.get(meaning, ()))

    def _refuse(self, column: int, wrong: CellError) -> None:
        if column in self._refused:  # a refused cell reads as empty, which is not a second fault
            return
        self._refused.add(column)
        heading = shown_value(self._headings.written(column)) or column_letter(column)
        self.faults.append(Fault(f"{self._shown}:{self._row.number} {heading}", wrong.fault, wrong.remedy))


def _refuse_other_name(text: str, name: str) -> None:
    before = next((other for other, _address in named_addresses(text)), "")
    if before == name:
        return
    from mkwmail.members.same_name import alike

    if before and name and no_person(before) is None and not alike(before, name):
        raise CellError(
            _('"%(value)s" is an address of somebody else than %(name)s') % {"value": shown_value(text), "name": name},
            _("correct the name or the address; if it is right, write the address alone"),
        )


def _no_outcome() -> CellError:
    return CellError(
        _("the cell holds a formula whose result is not in the file"),
        _("open the list in Excel and save it, or type the value instead of the formula"),
    )


def _too_long(text: str, longest: int) -> CellError:
    return CellError(
        _('"%(value)s" is %(length)d characters long, and %(longest)d is the most')
        % {"value": shown_value(text), "length": len(text), "longest": longest},
        _("shorten it; a remark belongs in a column of its own"),
    )


__all__ = ["Assistant", "FaultyRow", "MemberList", "example_addresses", "read_members"]


@dataclass(frozen=True, slots=True)
class MemberList:
    """Content of a member list.

    ``members`` are in the order of the rows, including those who are not to be mailed and those without an address.
    ``doubles`` pairs each row that repeats an address with the first row that has it: one person, one mail. ``columns``
    are the further columns, by the names that templates and audiences use. ``how_read`` tells how the file was read and
    ``odd`` what a person should look at, one sentence each.
    """

    members: tuple[Member, ...]
    faulty: tuple[FaultyRow, ...] = ()
    how_read: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    doubles: tuple[tuple[Member, Member], ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """How the list was read, and what is odd about it."""
        return (*self.how_read, *self.odd)


def read_members(
    path: Path, shown: str, skip_faulty: bool = False, columns: Mapping[str, str] = NO_COLUMNS
) -> MemberList:
    """Read the member list.

    :param shown: the file's name in messages.
    :param skip_faulty: leave faulty rows out, and name them in ``faulty``, instead of refusing the list.
    :param columns: the list's own headings: the name of a column → its heading.
    :raises UserError: with all faults, if the file cannot be read, a necessary heading is missing, a row is faulty, or
        the list has no members: an empty list never means everyone. It is a
        :class:`mkwmail.members.headings.UnknownHeadingsError` if a person can tell which columns are meant.
    """
    meanings = list_headings.meanings_with(columns)
    spellings = frozenset(spelling for each in meanings.values() for spelling in each)
    table = read_table(
        path, shown, lambda cell: heading_key(cell) in spellings, lambda rows: list_headings.suits(rows, meanings)
    )
    headings = list_headings.read_headings(table, shown, columns)
    below = [row for row in table.rows if row.number > headings.row.number]
    again = [row.number for row in below if _repeats(row, spellings)]
    below = [row for row in below if row.number not in again]
    last, ends = _ends(below, headings)
    read = [read_row(row, table, headings, shown) for row in below[:last]]
    faulty = tuple(row for row in read if isinstance(row, FaultyRow))
    if faulty and not skip_faulty:
        raise UserError(*_all_faults(faulty))
    members = tuple(row for row in read if isinstance(row, Member))
    if not any(member.email or member.do_not_mail for member in members):
        raise UserError(*_all_faults(faulty), Fault(shown, *_nobody(faulty, members)))
    settled, spread = _settle_opt_outs(members)
    ends = (*(_("row %(row)d has headings again, and was not read") % {"row": number} for number in again), *ends)
    odd = (*list_headings.oddities(table, headings), *ends, *_taken_out(below[:last], headings), *spread)
    return MemberList(
        members=settled,
        faulty=faulty,
        how_read=list_headings.how_read(table, headings),
        odd=(*odd, *_odd(settled, shown)),
        doubles=tuple(doubles(settled)),
        columns=tuple(headings.others),
    )


def _repeats(row: Row, spellings: Collection[str]) -> bool:
    """Check whether a row has headings: on a next page, or in another language."""
    if any("@" in cell and len(cell) > 1 for cell in row.cells):
        return False
    filled = [heading_key(cell) for cell in row.cells if cell.strip()]
    return sum(key in spellings for key in filled) > max(1, len(filled) // 2)


_TOTAL = re.compile(r"(?:(?:sub|eind)?totaal|aantal|total|som|sum|count|gemiddelde?|average)\b", re.IGNORECASE)


def _ends(rows: Sequence[Row], headings: Headings) -> tuple[int, tuple[str, ...]]:
    """Return the number of rows that are the list, and a sentence about each row below it.

    Below a list there may be totals, and a remark after an empty row. They have no address.
    """
    last = len(rows)
    while last > 1 and _is_below(rows[last - 1], rows[last - 2], headings):
        last -= 1
    said = _('row %(row)d, below the list, was not read: "%(text)s"')
    ends = (
        said % {"row": row.number, "text": shown_value(" ".join(" ".join(row.cells).split()))} for row in rows[last:]
    )
    return last, tuple(ends)


def _is_below(row: Row, above: Row, headings: Headings) -> bool:
    filled = [cell.strip() for cell in row.cells if cell.strip()]
    if not filled or any("@" in cell for cell in filled):
        return False
    is_remark = len(filled) == 1 and row.number > above.number + 1 and len(headings.row.cells) > 2
    is_number = all(re.fullmatch(r"[0-9.,%€ -]+", cell) for cell in filled)
    return is_remark or is_number or _TOTAL.match(filled[0]) is not None


def _taken_out(rows: Iterable[Row], headings: Headings) -> Iterator[str]:
    """Yield a sentence about the addresses that were in a link or behind a name."""
    column = headings.columns["email"][0]
    found = [
        (row.number, bare)
        for row in rows
        if (text := row.cell(column))
        and ("<" in text or ":" in text or text.count("@") > 1)
        and (bare := bare_address(" ".join(text.split())))
    ]
    if found:
        row, address = found[0]
        yield ngettext(
            "%(count)d address was taken out of its link or name: %(address)s in row %(row)d",
            "%(count)d addresses were taken out of their links or names, the first is %(address)s in row %(row)d",
            len(found),
        ) % {"count": len(found), "row": row, "address": address}


def example_addresses(members: Iterable[Member]) -> tuple[Member, ...]:
    """Return the members whose address is at a domain for examples.

    Mail to such a domain is never delivered (RFC 2606).
    """
    return tuple(member for member in members if is_example(member.email.rpartition("@")[2]))


def _all_faults(faulty: Iterable[FaultyRow]) -> Iterator[Fault]:
    for row in faulty:
        yield from row.faults


def _nobody(faulty: Sequence[FaultyRow], members: Sequence[Member]) -> tuple[str, str]:
    if members:
        return _("nobody in the list has an address"), _("fill in the column e-mail")
    if faulty:
        return _("every row of the list is faulty: nobody is left"), _("correct the rows that are named")
    return _("the list has headings, but nobody is below them"), _("add the members, one in each row")


def doubles(members: Iterable[Member]) -> Iterator[tuple[Member, Member]]:
    """Yield each row that repeats an address, after the first row that has it."""
    first: dict[str, Member] = {}
    for member in members:
        if member.email and first.setdefault(member.address_key, member) is not member:
            yield first[member.address_key], member


def _settle_opt_outs(members: Sequence[Member]) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Apply an opt-out to every row with the same address.

    Rows with one address are one person: if one of the rows opts out, no mail is sent to that person.
    """
    reasons = {member.address_key: member for member in members if member.do_not_mail and member.email}
    if not reasons:
        return tuple(members), ()
    settled: list[Member] = []
    notes: list[str] = []
    for member in members:
        other = reasons.get(member.address_key)
        if other and not member.do_not_mail:
            notes.append(
                _('row %(row)d is not mailed: row %(other)d has the same address and says "%(reason)s"')
                % {"row": member.row, "other": other.row, "reason": other.do_not_mail}
            )
            member = member._replace(do_not_mail=other.do_not_mail)
        settled.append(member)
    return tuple(settled), tuple(notes)


def _domains_of(members: Iterable[Member]) -> dict[str, Counter[str]]:
    """Return organisation → how many of its members are at each domain."""
    found: dict[str, Counter[str]] = {}
    for member in members:
        if member.organisation and member.email:
            found.setdefault(member.organisation, Counter())[member.email.rpartition("@")[2]] += 1
    return found


def _of_colleagues(member: Member, domains: Mapping[str, Counter[str]]) -> str | None:
    """Return the address at the domain of more colleagues that differs by a slip; None if there is none."""
    used = domains.get(member.organisation, Counter())
    if len(used) < 2:
        return None
    local, _at, domain = member.email.rpartition("@")
    others = (other for other, count in used.items() if other != domain and count > used[domain])
    meant = next((other for other in others if is_slip(domain, other)), None)
    return f"{local}@{meant}" if meant else None


def _odd(members: Sequence[Member], shown: str) -> Iterator[str]:
    domains = _domains_of(members)
    for member in members:
        meant = likely_meant(member.email) or _of_colleagues(member, domains)
        if meant and not member.do_not_mail:
            yield _("%(place)s: is %(address)s meant to be %(meant)s?") % {
                "place": f"{shown}:{member.row}",
                "address": member.email,
                "meant": meant,
            }
    nameless = [member for member in members if not member.do_not_mail and not full_name(member.name)]
    if nameless:
        rows = some([f"{each.row} ({each.name.left_out or each.email})" for each in nameless])
        yield ngettext(
            "%(count)d row has no name, and gets a neutral greeting: row %(rows)s",
            "%(count)d rows have no name, and get a neutral greeting: rows %(rows)s",
            len(nameless),
        ) % {"count": len(nameless), "rows": rows}
