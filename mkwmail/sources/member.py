"""Member: one person with one address in the member list."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from mkwmail.addresses import address_key
from mkwmail.dutch.names import Name
from mkwmail.errors import Fault

NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


class Member(NamedTuple):
    """A row of the member list, cleaned: trimmed, white space collapsed, no control characters."""

    row: int  # the row in the file, as Excel numbers it: the headings are row 1
    name: Name
    email: str  # as SMTP carries it: ASCII, the domain in punycode; may be empty where do_not_mail is filled
    organisation: str = ""
    function: str = ""
    number: str = ""
    do_not_mail: str = ""  # the text of the column `niet mailen`: the reason; empty: may be mailed
    columns: Mapping[str, str] = NO_COLUMNS  # the further ones, by folded heading

    @property
    def address_key(self) -> str:
        """The address in the form in which addresses are compared."""
        return address_key(self.email)


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """A row that cannot be mailed as it stands; name and address as far as they can be read."""

    row: int
    name: str
    address: str
    faults: tuple[Fault, ...]
