"""WHO: the person that somebody names by an address, a name or a number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mkwmail.addresses import address_key
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.persons import folded
from mkwmail.sources.nearest import nearest


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be meant. ``key`` is the person's key in the ledger; ``address`` may be empty."""

    key: str
    name: str
    address: str
    organisation: str = ""
    number: str = ""

    def __str__(self) -> str:
        shown = f"{self.name} <{self.address}>" if self.address else self.name
        return f"{shown}, {self.organisation}" if self.organisation else shown


def find_person(word: str, candidates: Iterable[Candidate]) -> Candidate:
    """The one person whom ``word`` names: by address, else by number or whole name, else by part of the name.

    :raises UserError: code USAGE where nobody is meant or more than one.
    """
    everyone = tuple(candidates)
    for meant in (_by_address(word, everyone), _by_name_or_number(word, everyone), _by_part(word, everyone)):
        # One person may stand in several rows of a list.
        distinct = {candidate.key: candidate for candidate in meant}
        if len(distinct) == 1:
            return next(iter(distinct.values()))
        if distinct:
            raise _ambiguous(word, tuple(distinct.values()))
    raise _unknown(word, everyone)


def _by_address(word: str, everyone: Sequence[Candidate]) -> list[Candidate]:
    return [one for one in everyone if "@" in word and address_key(one.address) == address_key(word)]


def _by_name_or_number(word: str, everyone: Sequence[Candidate]) -> list[Candidate]:
    wanted = folded(word)
    return [one for one in everyone if wanted and wanted in (folded(one.name), folded(one.number))]


def _by_part(word: str, everyone: Sequence[Candidate]) -> list[Candidate]:
    wanted = set(folded(word).split())
    return [one for one in everyone if wanted and wanted <= set(folded(one.name).split())]


def _ambiguous(word: str, meant: Sequence[Candidate]) -> UserError:
    remedy = _("name one by the address:\n%(choices)s") % {"choices": "\n".join(map(str, meant))}
    return UserError(Fault("", _('"%(word)s" can be one of several') % {"word": word}, remedy), code=ExitCode.USAGE)


def _unknown(word: str, everyone: Sequence[Candidate]) -> UserError:
    near = nearest(word, [text for one in everyone for text in (one.name, one.address) if text])
    remedy = _('did you mean "%(name)s"?') % {"name": near} if near else _("see the list for who there is")
    return UserError(Fault("", _('nobody is "%(word)s"') % {"word": word}, remedy), code=ExitCode.USAGE)
