"""The JSON Schemas for editors: they know every key that the readers know, and the shipped files fit them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mkwmail.config.event import Event
from mkwmail.config.json_schema import DIALECT, event_schema, explanations, settings_schema
from mkwmail.config.settings import Settings
from mkwmail.config.yaml_document import read_document
from mkwmail.files import shipped

ROOT = Path(__file__).parents[2]


def unknown(value: object, part: dict[str, Any], whole: dict[str, Any], path: str = "") -> list[str]:
    """The keys of a plain tree that a schema does not know."""
    alternatives = [part, *part.get("anyOf", []), *part.get("oneOf", [])]
    alternatives = [
        whole["$defs"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in alternatives
    ]
    if isinstance(value, list):
        items = next(each["items"] for each in alternatives if "items" in each)
        return [fault for n, item in enumerate(value) for fault in unknown(item, items, whole, f"{path}[{n}]")]
    if not isinstance(value, dict):
        return []
    objects = [each for each in alternatives if each.get("type") == "object"]
    if not objects:
        return [path]
    found: list[str] = []
    for key, item in value.items():
        rest = objects[0].get("additionalProperties")
        known = objects[0].get("properties", {}).get(key, rest if isinstance(rest, dict) else None)
        if known is None or not re.match(objects[0].get("propertyNames", {}).get("pattern", ""), key):
            found.append(f"{path}.{key}")
        else:
            found += unknown(item, known, whole, f"{path}.{key}")
    return found


@pytest.mark.parametrize(
    ("path", "schema"),
    [(next(shipped("events").glob("*.yaml")), event_schema()), (ROOT / "mkwmail.yaml", settings_schema())],
)
def test_the_shipped_files_have_only_keys_that_the_schema_knows(path: Path, schema: dict[str, Any]) -> None:
    assert unknown(read_document(path, path.name).plain(), schema, schema) == []


def test_a_key_that_is_not_known_is_seen() -> None:
    tree = {"titel": "x", "mailings": {"invitation": {"sent": "x"}, "Own": {}, "own": {"send": "x"}}}
    assert unknown(tree, event_schema(), event_schema()) == [".titel", ".mailings.invitation.sent", ".mailings.Own"]


@pytest.mark.parametrize(("schema", "model"), [(event_schema(), Event), (settings_schema(), Settings)])
def test_the_schema_has_the_models_keys(schema: dict[str, Any], model: type[Event] | type[Settings]) -> None:
    assert schema["$schema"] == DIALECT
    assert set(schema["properties"]) == set(model.model_fields)
    assert set(schema["required"]) == {name for name, field in model.model_fields.items() if field.is_required()}
    assert json.loads(json.dumps(schema)) == schema


def _described(schema: dict[str, Any], title: str) -> dict[str, dict[str, str]]:
    parts = {title: schema, **schema["$defs"]}
    return {
        name: {key: field["description"] for key, field in part["properties"].items()}
        for name, part in parts.items()
        if "properties" in part
    }


def test_every_key_is_explained_and_nothing_else_is() -> None:
    described = {**_described(event_schema(), "Event"), **_described(settings_schema(), "Settings")}
    explained = explanations()
    assert {name: set(keys) for name, keys in described.items()} == {
        name: set(keys) for name, keys in explained.items()
    }
    for name, keys in described.items():
        assert all(text.startswith(explained[name][key]) for key, text in keys.items())
    assert not [part for part in event_schema()["$defs"].values() if "description" in part]


def test_dates_are_texts_with_a_word_on_how_to_write_them() -> None:
    starts = event_schema()["properties"]["starts"]
    assert "string" in starts["type"]
    assert starts["description"].endswith("2020-04-16 13:00, 16-4-2020 13.00, 16 april 2020")
