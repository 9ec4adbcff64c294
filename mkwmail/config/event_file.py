"""Event files: read and check them, and report all faults at once."""

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from mkwmail.config.event import Event
from mkwmail.config.event_checks import Draft, check
from mkwmail.config.fields import Read
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.validation import faults_of, location_of
from mkwmail.config.yaml_document import Document, Loc, Plain, in_file_order, read_document
from mkwmail.errors import Fault, UserError

# Placeholders for required values that cannot be read, so that the other fields still become values to check.
# The checks ignore them: they are not among the draft's known fields.
_STAND_INS: dict[str, Plain] = {
    "id": "unknown",
    "title": "unknown",
    "starts": "2000-01-01 00:00",
    "ends": "2000-01-01 00:00",
}


def read_event(path: Path, folder: WorkingFolder) -> Read[Event]:
    """Read an event file and check all that the file alone can tell.

    :raises UserError: code FAULTY_FILE with every fault: YAML slips, values of the wrong form, and contradictions in
        the file.
    """
    document = read_document(path, folder.shown(path))
    drafted = _drafted(document)
    draft = Draft(drafted.event, drafted.known, drafted.whole, document, folder, path)
    found = check(draft)
    faults = in_file_order((*document.faults, *drafted.faults, *found.faults))
    if faults:
        raise UserError(*faults)
    return Read(drafted.event, in_file_order(found.warnings))


class _Drafted(NamedTuple):
    """Event made of the fields that could be read.

    ``known`` fields have the file's value; ``whole`` fields have no fault.
    """

    event: Event
    known: frozenset[str]
    whole: frozenset[str]
    faults: tuple[Fault, ...]


def _drafted(document: Document) -> _Drafted:
    tree = document.plain()
    fields = tree if isinstance(tree, dict) else {}
    written = frozenset(fields)
    faults: tuple[Fault, ...] | None = None
    faulty: set[str] = set()
    while True:
        try:
            event = Event.model_validate(fields)
        except ValidationError as error:
            # Only the first faults are the file's own: later ones result from the values that were removed.
            faults = faults if faults is not None else faults_of(error, document, Event)
            places = [(location_of(each), each["type"]) for each in error.errors(include_url=False)]
            faulty.update(str(loc[0]) for loc, _kind in places if loc)
            for loc, kind in sorted(places, key=_last_first, reverse=True):
                _take_out(fields, loc[:-1] if kind == "missing" else loc)
        else:
            replaced = {name for name in _STAND_INS if name in faulty}
            return _Drafted(event, written - replaced, written - faulty, faults or ())


def _last_first(place: tuple[Loc, str]) -> tuple[tuple[int, str], ...]:
    """Return a sort key that puts the last items of a list last.

    With the order reversed, they are removed from the end on, so that the other items keep their numbers meanwhile.
    """
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in place[0])


def _take_out(fields: dict[str, Plain], loc: Loc) -> None:
    """Remove a value that cannot be read.

    If a required key at the top level is missing then, add its placeholder.
    """
    steps = loc
    while steps and not _removed(fields, steps):
        steps = steps[:-1]
    for name, stand_in in _STAND_INS.items():
        fields.setdefault(name, stand_in)


def _removed(fields: dict[str, Plain], loc: Loc) -> bool:
    above: Plain = fields
    for step in loc[:-1]:
        if isinstance(above, dict) and step in above:
            above = above[str(step)]
        elif isinstance(above, list) and isinstance(step, int) and step < len(above):
            above = above[step]
        else:
            return False
    last = loc[-1]
    if isinstance(above, dict) and last in above:
        del above[str(last)]
        return True
    if isinstance(above, list) and isinstance(last, int) and last < len(above):
        del above[last]
        return True
    return False
