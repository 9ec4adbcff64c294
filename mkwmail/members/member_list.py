"""Member list (CSV or Excel) as members.

Every faulty cell is named, and nothing is guessed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from types import MappingProxyType
from typing import NamedTuple

from mkwmail.addresses import address_key, is_example
from mkwmail.dutch.names import Name, Title, full_name, read_title
from mkwmail.errors import Fault, UserError
from mkwmail.i18n import _, ngettext, some
from mkwmail.members import headings as list_headings
from mkwmail.members.cells import CellError, clean, excel_error, likely_meant, read_address, shown_value
from mkwmail.members.headings import Headings, column_letter
from mkwmail.members.names import completed, is_blank, no_person, read_name
from mkwmail.members.table import Row, Table, read_table

NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


class Member(NamedTuple):
    """A cleaned row of the member list.

    Its texts are trimmed, with white space collapsed and without control characters.
    """

    row: int  # the number of the row in Excel: the headings are row 1
    name: Name
    email: str  # as SMTP carries it: ASCII, the domain in punycode; may be empty if do_not_mail is filled
    organisation: str = ""
    function: str = ""
    number: str = ""
    do_not_mail: str = ""  # the text of the column `niet mailen`: the reason; empty: may be mailed
    columns: Mapping[str, str] = NO_COLUMNS  # the further columns, by folded heading

    @property
    def address_key(self) -> str:
        """The address in the form in which addresses are compared."""
        return address_key(self.email)


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
_MAY_BE_MAILED = frozenset(("nee", "n", "no", "0", "false", "onwaar", "-"))
_NO_REASON = frozenset(("x", "ja", "j", "yes", "y", "1", "true", "waar", "v", "✓", "✔", "niet mailen", "optout"))


def read_row(row: Row, table: Table, headings: Headings, shown: str) -> Member | FaultyRow:
    """Return the member in a row below the headings, or all its faults.

    A member who is not to be mailed needs no usable name or address: such a row is faulty only if a text has characters
    that are never allowed.
    """
    cells = _Cells(row, table, headings, shown)
    texts = {meaning: cells.text(columns[0]) for meaning, columns in headings.columns.items()}
    further = {name: cells.text(columns[0], longest=None) for name, columns in headings.others.items()}
    cells.check_width()
    do_not_mail = _reason(texts.get("do_not_mail", ""))
    checked = cells if not do_not_mail else _Cells(row, table, headings, shown)
    name = checked.name(texts)
    email = checked.address(texts.get("email", ""))
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
        columns=further or NO_COLUMNS,
    )


def _reason(text: str) -> str:
    """Return why a member must not be mailed; empty if mail is allowed."""
    folded = text.casefold()
    if not text or folded in _MAY_BE_MAILED:
        return ""
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
        lack = self._table.without_value.get((self._row.number, column))
        try:
            if lack is not None:
                raise excel_error(lack) if lack else _no_outcome()
            text = clean(self._row.cell(column))
            if longest and len(text) > longest:
                raise _too_long(text, longest)
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

    def title(self, text: str) -> Title:
        """Return the title that the cell means.

        If the word is not a title, record a fault and return none.
        """
        try:
            return read_title(text)
        except ValueError:
            wrong = CellError(
                _('"%(value)s" is not a title that is known') % {"value": shown_value(text)},
                _("write dhr or mevr, or leave the cell empty"),
            )
            self._refuse(self._column("title"), wrong)
            return ""

    def name(self, texts: Mapping[str, str]) -> Name:
        """Return the name, and record a fault if it is not one person's.

        A whole name is taken apart for the parts that have no column of their own, or an empty cell.
        """
        parts = {part: "" if is_blank(texts.get(part, "")) else texts.get(part, "") for part in _NAME_PARTS}
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
        return completed(given, read)

    def address(self, text: str) -> str:
        """Return the address as SMTP carries it.

        If there is none, record a fault and return an empty text.
        """
        try:
            if not text:
                raise CellError(
                    _("the address is missing"), _("fill it in, or delete the row, or fill in the column niet mailen")
                )
            return read_address(text)
        except CellError as wrong:
            self._refuse(self._column("email"), wrong)
            return ""

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


def _no_outcome() -> CellError:
    return CellError(
        _("the cell holds a formula whose outcome is not in the file"),
        _("open the list in Excel and save it, or type the value instead of the formula"),
    )


def _too_long(text: str, longest: int) -> CellError:
    return CellError(
        _('"%(value)s" is %(length)d characters long, and %(longest)d is the most')
        % {"value": shown_value(text), "length": len(text), "longest": longest},
        _("shorten it; a remark belongs in a column of its own"),
    )


__all__ = ["FaultyRow", "MemberList", "example_addresses", "read_members"]


@dataclass(frozen=True, slots=True)
class MemberList:
    """Content of a member list.

    ``members`` are in the order of the rows, including those who are not to be mailed. ``doubles`` pairs each row that
    repeats an address with the first row that has it: one person, one mail. ``columns`` are the further columns, by the
    names that templates and audiences use. ``notes`` tell what was read and what is odd, one sentence each.
    """

    members: tuple[Member, ...]
    faulty: tuple[FaultyRow, ...] = ()
    notes: tuple[str, ...] = ()
    doubles: tuple[tuple[Member, Member], ...] = ()
    columns: tuple[str, ...] = ()


def read_members(path: Path, shown: str, skip_faulty: bool = False) -> MemberList:
    """Read the member list.

    :param shown: the file's name in messages.
    :param skip_faulty: leave faulty rows out, and name them in ``faulty``, instead of refusing the list.
    :raises UserError: with all faults, if the file cannot be read, a necessary heading is missing, a row is faulty, or
        the list has no members: an empty list never means everyone.
    """
    table = read_table(path, shown, list_headings.is_known)
    headings = list_headings.read_headings(table, shown)
    below = (row for row in table.rows if row.number > headings.row.number)
    read = [read_row(row, table, headings, shown) for row in below]
    faulty = tuple(row for row in read if isinstance(row, FaultyRow))
    if faulty and not skip_faulty:
        raise UserError(*_all_faults(faulty))
    members = tuple(row for row in read if isinstance(row, Member))
    if not members:
        raise UserError(*_all_faults(faulty), Fault(shown, *_nobody(faulty)))
    settled, spread = _settle_opt_outs(members)
    return MemberList(
        members=settled,
        faulty=faulty,
        notes=(*list_headings.notes(table, headings), *spread, *_odd(settled, shown)),
        doubles=tuple(_doubles(settled)),
        columns=tuple(headings.others),
    )


def example_addresses(members: Iterable[Member]) -> tuple[Member, ...]:
    """Return the members whose address is at a domain for examples.

    Mail to such a domain is never delivered (RFC 2606).
    """
    return tuple(member for member in members if is_example(member.email.rpartition("@")[2]))


def _all_faults(faulty: Iterable[FaultyRow]) -> Iterator[Fault]:
    for row in faulty:
        yield from row.faults


def _nobody(faulty: Sequence[FaultyRow]) -> tuple[str, str]:
    if faulty:
        return _("every row of the list is faulty: nobody is left"), _("mend the rows that are named")
    return _("the list has headings, but nobody is below them"), _("add the members, one in each row")


def _doubles(members: Iterable[Member]) -> Iterator[tuple[Member, Member]]:
    first: dict[str, Member] = {}
    for member in members:
        if member.email and first.setdefault(member.address_key, member) is not member:
            yield first[member.address_key], member


def _settle_opt_outs(members: Sequence[Member]) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Apply an opt-out to every row with the same address.

    Rows with one address are one person: if one of the rows opts out, no mail is sent to that person.
    """
    reasons = {member.address_key: member for member in members if member.do_not_mail and member.email}
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


def _odd(members: Sequence[Member], shown: str) -> Iterator[str]:
    for member in members:
        meant = likely_meant(member.email)
        if meant and not member.do_not_mail:
            yield _("%(place)s: is %(address)s meant to be %(meant)s?") % {
                "place": f"{shown}:{member.row}",
                "address": member.email,
                "meant": meant,
            }
    nameless = [member for member in members if not member.do_not_mail and not full_name(member.name)]
    if nameless:
        yield ngettext(
            "%(count)d row has no name, and gets a neutral greeting: row %(rows)s",
            "%(count)d rows have no name, and get a neutral greeting: rows %(rows)s",
            len(nameless),
        ) % {"count": len(nameless), "rows": some([f"{member.row} ({member.email})" for member in nameless])}
