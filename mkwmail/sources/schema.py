"""JSON Schema of event and settings files, so that editors complete and explain their keys.

YAML gives an editor numbers and truth values where we read texts, so a value may be any of them; what the texts
must look like is said in words, those of the program's language.
"""

from datetime import datetime, time, timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from mkwmail.language import _
from mkwmail.sources.event import Event
from mkwmail.sources.explained import explanations
from mkwmail.sources.kinds import WRITABLE_AUDIENCES, Kind
from mkwmail.sources.providers import PRESETS
from mkwmail.sources.settings import Keep, Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALAR = ["string", "number", "boolean", "null"]


class _Texts(GenerateJsonSchema):
    """A schema of what is written, not of the values that are read from it."""

    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchemaValue:
        return _written(datetime)

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        return _written(time)

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        return _written(timedelta)

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return {"type": ["integer", "string"]}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"type": ["number", "string"]}

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return {"enum": [True, False, "ja", "nee", "yes", "no"]}

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        return {"type": ["string", "number"]}

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _written(schema["cls"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        # A default is a value of ours (seconds, an object), not the text that somebody would write.
        return self.generate_inner(schema["schema"])


_FORMS = {
    datetime: "2020-04-16 13:00, 16-4-2020 13.00, 16 april 2020",
    time: "13.00, 13:00",
    timedelta: "30 min, 2 uur, 1 dag",
    Keep: "12 maanden, 1 jaar, 90 dagen",
}


def _written(kind: type[Any]) -> JsonSchemaValue:
    return {"type": _SCALAR, "description": _FORMS[kind]}


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, schema_generator=_Texts)
    meanings = explanations()
    for name, part in ((model.__name__, schema), *schema["$defs"].items()):
        # What a class says of itself is for who works on the program.
        part.pop("description", None)
        for key, field in part.get("properties", {}).items():
            field["description"] = _explained(meanings[name][key], field)
    return {"$schema": DIALECT, **schema, "title": title}


def _explained(meaning: str, field: dict[str, Any]) -> str:
    """What a key means, and how its value is written where that is not plain."""
    forms = [each.pop("description") for each in (field, *field.get("anyOf", ())) if "description" in each]
    return _("%(meaning)s; written as: %(forms)s") % {"meaning": meaning, "forms": forms[0]} if forms else meaning


def event_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an event's file."""
    schema = _schema(Event, "mkwmail event")
    mailings = schema["properties"]["mailings"]
    mailings["propertyNames"] = {"pattern": "^[a-z][a-z0-9-]*$"}
    # Named, so that an editor offers them; names of one's own may stand beside them.
    entry = {"anyOf": [{"$ref": "#/$defs/Mailing"}, {"type": "null"}]}
    mailings["properties"] = {kind.value: entry for kind in Kind if kind is not Kind.OWN}
    mailings["additionalProperties"] = entry
    audience = schema["$defs"]["Mailing"]["properties"]["audience"]
    audience["description"] = f"{audience['description']}: {', '.join([*WRITABLE_AUDIENCES, 'got:<mailing>'])}"
    _nullable(schema)
    return schema


def settings_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of mkwmail.yaml."""
    schema = _schema(Settings, "mkwmail settings")
    provider = schema["properties"]["provider"]
    schema["properties"]["provider"] = {"enum": [*PRESETS, None], "description": provider["description"]}
    # A provider's preset brings the host.
    schema["$defs"]["Smtp"].pop("required", None)
    _nullable(schema)
    return schema


def _nullable(schema: dict[str, Any]) -> None:
    """Let a key stand without a value wherever it may be left out: it means the same."""
    for part in (schema, *schema.get("$defs", {}).values()):
        required = part.get("required", [])
        for name, field in part.get("properties", {}).items():
            if name in required or field.get("type") == _SCALAR or _allows_null(field):
                continue
            described = {key: field.pop(key) for key in ("title", "description", "examples") if key in field}
            inner = dict(field)
            field.clear()
            field.update(described, anyOf=[inner, {"type": "null"}])


def _allows_null(field: dict[str, Any]) -> bool:
    return {"type": "null"} in field.get("anyOf", []) or None in field.get("enum", [])
