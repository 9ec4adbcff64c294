"""Faults of a model in the program's own words.

Each has a place, one plain sentence and the repaired line. Only files with such faults need this module.
"""

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mkwmail.config.event import ATTACHMENT_TAGS, AUDIENCE_TAGS, FOLLOWS
from mkwmail.config.fields import UnusableError
from mkwmail.config.yaml_document import Document, Loc, Plain
from mkwmail.dutch.dates import UnreadableError
from mkwmail.errors import Fault
from mkwmail.i18n import _, nearest

Model = type[BaseModel]


def location_of(details: ErrorDetails) -> Loc:
    """Return the place of a fault in the file.

    It is pydantic's place, without the steps that pydantic adds.
    """
    return tuple(step for step in details["loc"] if step not in (*AUDIENCE_TAGS, *ATTACHMENT_TAGS))


def faults_of(error: ValidationError, document: Document, model: Model) -> tuple[Fault, ...]:
    """Return a fault for each value of the document that a model refuses."""
    faults = (_fault(details, document, model) for details in error.errors(include_url=False))
    return tuple(fault for fault in faults if fault is not None)


def take_out(fields: dict[str, Plain], error: ValidationError) -> set[str]:
    """Remove the values that a model refuses, and return their keys at the top level.

    Of a missing key, the mapping that lacks it is removed.
    """
    places = [(location_of(each), each["type"]) for each in error.errors(include_url=False)]
    for loc, kind in sorted(places, key=_last_first, reverse=True):
        steps = loc[:-1] if kind == "missing" else loc
        while steps and not _removed(fields, steps):
            steps = steps[:-1]
    return {str(loc[0]) for loc, _kind in places if loc}


def _last_first(place: tuple[Loc, str]) -> tuple[tuple[int, str], ...]:
    """Return a sort key that puts the last items of a list last.

    With the order reversed, they are removed from the end on, so that the other items keep their numbers meanwhile.
    """
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in place[0])


def _removed(fields: dict[str, Plain], loc: Loc) -> bool:
    above: Any = fields
    try:
        for step in loc[:-1]:
            above = above[step]
        del above[loc[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


_NO_LIST = ("tuple_type", "list_type")


def _fault(details: ErrorDetails, document: Document, model: Model) -> Fault | None:
    loc, kind = location_of(details), details["type"]
    if kind == FOLLOWS:
        return None
    if kind == "missing":
        return _missing(loc, document, model)
    if kind == "extra_forbidden":
        return _unknown(loc, document, model)
    key = _name(loc)
    place = document.place(loc)
    sentence, value = _sentence(details, _field(model, loc))
    remedy = _as_item(details["input"]) if kind in _NO_LIST else ""
    remedy = remedy or _remedy(document, loc, key, value, _field(model, loc))
    return Fault(place, f"{key}: {sentence}", remedy)


def _name(loc: Loc) -> str:
    return next((str(step) for step in reversed(loc) if isinstance(step, str)), "")


def _missing(loc: Loc, document: Document, model: Model) -> Fault:
    key = _name(loc)
    example = _example(_field(model, loc))
    above = document.place(loc[:-1]) if len(loc) > 1 else document.shown
    remedy = f"{key}: {example}" if example else _("write a line %(key)s: …") % {"key": key}
    return Fault(above, _("%(key)s: is missing, and must be there") % {"key": key}, remedy)


# Keys as a Dutch secretary writes them; in another place the same word is another key.
_IN_DUTCH: Mapping[str, tuple[str, ...]] = {
    **{"titel": ("title",), "thema": ("theme",), "inleiding": ("introduction",), "toelichting": ("introduction",)},
    **{"begin": ("starts",), "start": ("starts",), "aanvang": ("starts",), "datum": ("starts", "day", "send")},
    **{"einde": ("ends", "until"), "eind": ("ends", "until"), "tot": ("until", "ends"), "tijd": ("time",)},
    **{"locatie": ("location",), "plaats": ("city", "location"), "stad": ("city",), "adres": ("street",)},
    **{"straat": ("street",), "naam": ("name",), "rol": ("role",), "functie": ("role",), "sprekers": ("speakers",)},
    **{"organisatie": ("organisation",), "vereniging": ("association",), "afzender": ("sender",)},
    **{"aanmelden": ("registration",), "aanmelding": ("registration",), "link": ("url",)},
    **{"sluiting": ("deadline",), "uiterlijk": ("deadline", "latest"), "programma": ("programme",)},
    **{"gastheren": ("hosts",), "punten": ("pe_points",), "pe-punten": ("pe_points",), "agenda": ("calendar",)},
    **{"tekst": ("text",), "onderwerp": ("subject",), "bijlagen": ("attachments",), "bijlage": ("attachments",)},
    **{"versturen": ("send",), "verzenden": ("send",), "omschrijving": ("description",), "doelgroep": ("audience",)},
    **{"leden": ("members",), "ledenlijst": ("members",), "telefoon": ("phone",), "taal": ("language",)},
    **{"voorlopig": ("provisional",), "online": ("online",), "voettekst": ("footer",), "kolommen": ("columns",)},
}


def _unknown(loc: Loc, document: Document, model: Model) -> Fault:
    key = str(loc[-1])
    known = tuple(fields_at(model, loc[:-1]))
    # A key of another part of the file often only has the wrong indentation.
    fault = _("%(key)s: this key is not known here") % {"key": key}
    meant = (each for each in _IN_DUTCH.get(key.casefold(), ()) if each in known)
    near = next(meant, None) or nearest(key, known)
    node = document.node(loc[:-1])
    key_node = node.keys.get(key) if node is not None else None
    if near is not None and near not in (node.keys if node is not None else ()):
        line = document.line(key_node.line) if key_node is not None else ""
        return Fault(document.key_place(loc), fault, line.replace(key, near, 1) if key in line else f"{near}: …")
    remedy = _("choose from: %(names)s") % {"names": ", ".join(known)}
    return Fault(document.key_place(loc), fault, remedy)


def _sentence(details: ErrorDetails, field: FieldInfo | None) -> tuple[str, str]:
    """Return the fault in a sentence, and the value to write instead. The value is empty if it is unknown."""
    kind, given = details["type"], details["input"]
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, (UnusableError, UnreadableError)):
        return str(cause), cause.remedy
    if isinstance(cause, ValueError):
        return str(cause), ""
    if kind in ("enum", "literal_error"):
        return _choice(str(given), field)
    if given is None or kind == "too_short":
        return _("is empty"), ""
    if kind == "greater_than":
        return _("must be more than 0"), ""
    if kind == "less_than_equal":
        limit = details.get("ctx", {}).get("le")
        return _("cannot be more than %(limit)s") % {"limit": limit}, ""
    if kind in ("model_type", "dict_type", "mapping_type", "model_attributes_type"):
        return _("keys are expected here, each with its value on a line of its own, indented below it"), ""
    if kind in _NO_LIST:
        return _("a list is expected here, each item on a line that begins with a hyphen"), ""
    if isinstance(given, (list, Mapping)):
        return _("one text is expected here, not a list or keys of its own"), ""
    return _('"%(value)s" cannot be used here') % {"value": given}, ""


def _choice(given: str, field: FieldInfo | None) -> tuple[str, str]:
    known = _choices(field.annotation) if field is not None else ()
    names = {"value": given, "names": ", ".join(known)}
    return _('"%(value)s" is not one of: %(names)s') % names, nearest(given, known) or ""


def _choices(annotation: Any) -> tuple[str, ...]:
    if isinstance(annotation, type) and hasattr(annotation, "__members__"):
        return tuple(str(member.value) for member in annotation.__members__.values())
    found: list[str] = []
    for argument in get_args(annotation):
        found.extend([argument] if isinstance(argument, str) else _choices(argument))
    return tuple(found)


def _as_item(given: Any) -> str:
    """Return how to write the first of several lines that should have been a list; empty if there are none."""
    if isinstance(given, Mapping):
        first = next((f"{key}: {value}" for key, value in given.items() if isinstance(value, str)), "")
    else:
        lines = [line.strip() for line in str(given or "").splitlines() if line.strip()]
        first = lines[0] if len(lines) > 1 else ""
    return _("write each item like this: %(line)s") % {"line": f"- {first}"} if first else ""


def _remedy(document: Document, loc: Loc, key: str, value: str, field: FieldInfo | None) -> str:
    node = document.node(loc)
    old = node.content if node is not None and isinstance(node.content, str) else ""
    if value and old and node is not None and old in document.line(node.line):
        return _replaced(document.line(node.line), old, value)
    example = value or _example(field)
    if value:
        return f"{key}: {value}"
    return _("write it like this: %(line)s") % {"line": f"{key}: {example}"} if example else ""


def _replaced(line: str, old: str, new: str) -> str:
    # From the right, because the key may contain the same letters as its value.
    before, _old, behind = line.rpartition(old)
    return f"{before}{new}{behind}"


def _example(field: FieldInfo | None) -> str:
    return str(field.examples[0]) if field is not None and field.examples else ""


def fields_at(model: Model, loc: Loc) -> dict[str, FieldInfo]:
    """Return the keys that are allowed at a place, with their fields.

    Empty if any key is allowed there.
    """
    current: Model | None = model
    inside: Any = None  # the type of the items of a list or mapping; the next step is their number or name
    for step in loc:
        if inside is not None:
            current, inside = _model_in(inside), None
            continue
        field = _own_fields(current).get(str(step)) if current is not None else None
        if field is None:
            return {}
        inside = _held(field.annotation)
        current = None if inside is not None else _model_in(field.annotation)
    return _own_fields(current) if current is not None else {}


def _field(model: Model, loc: Loc) -> FieldInfo | None:
    last = len(loc)
    while last and not isinstance(loc[last - 1], str):
        last -= 1
    return fields_at(model, loc[: last - 1]).get(str(loc[last - 1])) if last else None


def _own_fields(model: Model | None) -> dict[str, FieldInfo]:
    if model is None:
        return {}
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _is_model(annotation: Any) -> TypeGuard[Model]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _held(annotation: Any) -> Any:
    """Return the type of the items of a list or mapping, else None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _held(get_args(annotation)[0])
    if origin is tuple:
        return get_args(annotation)[0]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return get_args(annotation)[1]
    return None


def _model_in(annotation: Any) -> Model | None:
    if _is_model(annotation):
        return annotation
    if get_origin(annotation) in (Annotated, Union, UnionType):
        for argument in get_args(annotation):
            found = _model_in(argument)
            if found is not None:
                return found
    return None
