"""JSON Schema of event and settings files, for completion in editors.

In YAML, an editor sees numbers and truth values, but the program reads texts. Therefore a value may be any of
them, and the form of the texts is described in words, in the program's language.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from mkwmail.config.event import Event
from mkwmail.config.kinds import WRITABLE_AUDIENCES, kind_names
from mkwmail.config.providers import PRESETS
from mkwmail.config.settings import Days, Keep, Settings
from mkwmail.i18n import _


def explanations() -> Mapping[str, Mapping[str, str]]:
    """Return the meaning of each key of each part of a file.

    It is part → key → meaning, in the program's language; ``Event`` and ``Settings`` are whole files.
    """
    return {**_of_an_event(), **_of_its_parts(), **_of_a_mailing(), **_of_the_settings(), **_of_the_servers()}


def _of_an_event() -> dict[str, dict[str, str]]:
    return {
        "Event": {
            "id": _("the event's short name in commands; it never changes, also when the date does"),
            "title": _("the event's name"),
            "called": _("the title as it reads in a sentence, with de or het"),
            "theme": _("what it is about, in a few words"),
            "starts": _("when it begins"),
            "ends": _("when it ends; a time alone is one on the day of the start"),
            "location": _("where it is; leave out what is not known: the mail then says that it follows"),
            "online": _("for those who follow it online"),
            "introduction": _("the first lines of the invitation, in Markdown"),
            "provisional": _("yes: the programme may still change, and the mail says so"),
            "programme": _("the programme, item by item"),
            "hosts": _("who leads the day: a name, or name, role and organisation"),
            "registration": _("how members sign up"),
            "certificate": _("a certificate for those who were present, a PDF with the thanks"),
            "catering": _("until when the caterer wants the numbers; `status` leads with them"),
            "pe_points": _("a number of PE points; true: there are some, the number follows"),
            "calendar": _("the calendar entry in the mails"),
            "feedback": _("a form for opinions, in the thanks"),
            "mailings": _("the mailings: when each is sent, and what is special about it"),
        }
    }


def _of_its_parts() -> dict[str, dict[str, str]]:
    return {
        "Location": {
            "name": _("the building's name"),
            "street": _("street and number"),
            "city": _("town or city"),
            "route": _("a link with the way there"),
            "website": _("the building's website"),
        },
        "Feedback": {"url": _("the link of the form; a button in the thanks")},
        "Online": {"url": _("the link; only those who attend see it")},
        "ProgrammeItem": {
            "day": _("its day, if the event lasts several days; those below it are on the same day"),
            "time": _("when the item begins"),
            "title": _("the item's name"),
            "until": _("when it ends; may be left out"),
            "description": _("more about it, in Markdown"),
            "speakers": _("who speaks"),
            "optional": _("yes: members choose it when they sign up"),
        },
        "Host": {
            "name": _("the person's name"),
            "role": _("what the person does there"),
            "organisation": _("the person's organisation"),
        },
        "Registration": {
            "by": _("mail: people answer with a mail, which `mkwmail inbox` reads; instead of url"),
            "url": _(
                "the sign-up form's address; {code}, {member_id}, {email}, {name}, {first_name} and {organisation} "
                "become each member's own"
            ),
            "deadline": _("until when members can sign up; a date alone: until the end of that day"),
            "one_per_organisation": _(
                "yes: once somebody of an organisation comes, its others are not invited or reminded"
            ),
        },
        "Catering": {"deadline": _("until when the numbers can be given; a date alone: until the end of that day")},
        "CalendarEntry": {
            "method": _("publish: an entry to keep; request: one that asks for an answer; none: no entry"),
            "alarm": _("how long before the start the calendar reminds"),
        },
    }


def _of_a_mailing() -> dict[str, dict[str, str]]:
    return {
        "ColumnAudience": {"column": _("a column of the member list"), "is": _("the values that the column may have")},
        "AllAudience": {"all": _("audiences; it is for those who are in all of them")},
        "AnyAudience": {"any": _("audiences; it is for those who are in one of them")},
        "NotAudience": {"not": _("an audience; it is for those who are not in it")},
        "Certificate": {
            "hours": _("how many hours it took"),
            "signed_by": _("who signs: name and role"),
            "accredited": _("the accreditation, in words; only if there is one"),
            "letterhead": _("a picture at the top: SVG or PNG"),
            "signature": _("a picture of the signature: SVG or PNG"),
        },
        "PersonalFile": {
            "file": _("the file's name, with a heading of the member list in braces"),
            "column": _("the column of the member list that holds the file's name"),
            "optional": _("yes: some members have no file"),
            "for_several": _("yes: several members may have the same file"),
        },
        "Mailing": {
            "send": _("the moment at which it is sent"),
            "latest": _("after this moment nobody gets it; a date alone: until the end of that day"),
            "template": _("the name of another template"),
            "subject": _("another subject"),
            "text": _("some lines of your own, in Markdown"),
            "attachments": _("files to attach, relative to the event's file; {lidnummer}: each member's own"),
            "audience": _("who gets it"),
            "of": _("of a correction: the mailing that it corrects"),
        },
    }


def _of_the_settings() -> dict[str, dict[str, str]]:
    return {
        "Settings": {
            "sender": _("who the mails are from"),
            "association": _("the association's name"),
            "language": _("the program's language; mails are always Dutch"),
            "reply_to": _("where answers go, if not to the sender"),
            "report_to": _("who is told what `mkwmail due` did not do"),
            "members": _("the member list: CSV or .xlsx"),
            "form": _("how the mails address people: je or u"),
            "logo": _("a picture at the top of the mails: PNG, JPEG or GIF"),
            "footer": _("lines below every mail, in Markdown: address, website, privacy"),
            "columns": _("headings of your own member list: the name of a column, and its heading in the list"),
            "provider": _("a known provider: sets host, port and pace"),
            "smtp": _("the server that takes the mails"),
            "mailbox": _("the mailbox with the answers, read by `mkwmail inbox`"),
            "pace": _("how fast mails are sent"),
            "hours": _("when `mkwmail due` may mail"),
            "backup": _("backups of the ledger, made after every run that sent mail"),
            "shared": _("true: several people use this folder, and its files are for its group too"),
            "keep": _("how long an event's personal data are kept"),
        },
        "Mailbox": {
            "name": _("the name that people see"),
            "email": _("the address"),
            "role": _("what the sender is there, such as secretary; below every mail"),
            "phone": _("a telephone number for members; below every mail, and for the day itself"),
        },
        "Backups": {
            "keep": _("how many backups are kept"),
            "to": _("their folder, such as one on another disk; otherwise backups/"),
        },
        "Pace": {
            "connections": _("connections at the same time"),
            "per_connection": _("mails over one connection"),
            "per_minute": _("mails a minute"),
            "per_hour": _("mails an hour"),
            "per_day": _("mails in 24 hours"),
            "batch": _("mails before each pause"),
            "pause": _("how long each pause lasts"),
        },
        "Hours": {
            "from": _("from when in the day"),
            "to": _("until when in the day"),
            "days": _("working: Monday to Friday, no public holidays; all: every day"),
            "closed": _("days on which nothing is sent automatically, such as the summer holiday"),
        },
    }


def _of_the_servers() -> dict[str, dict[str, str]]:
    return {
        "Imap": {
            "host": _("the server's name"),
            "port": _("993, or 143 with security: starttls"),
            "security": _("how the connection is encrypted; none only to this computer itself"),
            "folders": _("the folders to read"),
            "username": _("who logs in, if not the username of smtp"),
            "password_command": _("a command that prints the password"),
            "password_file": _("a file with the password, which only you can read"),
            "ca_file": _("a PEM file with the certificate of the organisation's own authority"),
        },
        "Smtp": {
            "host": _("the server's name"),
            "port": _("587, or 465 with security: tls"),
            "security": _("how the connection is encrypted; none only to this computer itself"),
            "username": _("the name to log in with, often the mail address"),
            "password_command": _("a command that prints the password"),
            "password_file": _("a file with the password, which only you can read"),
            "hello": _("the name by which mkwmail introduces itself (EHLO), if the server wants a full one"),
            "ca_file": _("a PEM file with the certificate of the organisation's own authority"),
            "auth": _("password, or oauth for Microsoft 365 and Google"),
            "client_id": _("with auth: oauth: the application's id at the provider"),
            "tenant": _("with Microsoft: the organisation, by a domain of it or its id"),
            "authorize_url": _("with a provider of your own: where people sign in with a browser"),
            "device_url": _("with a provider of your own: where codes for another device come from"),
            "token_url": _("with a provider of your own: where tokens come from"),
            "scopes": _("with a provider of your own: what the sign-in should allow"),
        },
    }


DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALAR = ["string", "number", "boolean", "null"]


class _Texts(GenerateJsonSchema):
    """Generator of a schema for the written texts.

    The default schema describes the values that are read from them.
    """

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
        # A default is a value of the program (seconds, an object), not the text that a person would write.
        return self.generate_inner(schema["schema"])


_FORMS = {
    datetime: "2020-04-16 13:00, 16-4-2020 13.00, 16 april 2020",
    time: "13.00, 13:00",
    timedelta: "30 min, 2 uur, 1 dag",
    Days: "2020-07-13, 2020-07-13 - 2020-07-31, 13 t/m 31 juli 2020",
    Keep: "12 maanden, 1 jaar, 90 dagen",
}


def _written(kind: type[Any]) -> JsonSchemaValue:
    return {"type": _SCALAR, "description": _FORMS[kind]}


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, schema_generator=_Texts)
    meanings = explanations()
    for name, part in ((model.__name__, schema), *schema["$defs"].items()):
        # The docstring of a class is for developers.
        part.pop("description", None)
        for key, field in part.get("properties", {}).items():
            field["description"] = _explained(meanings[name][key], field)
    return {"$schema": DIALECT, **schema, "title": title}


def _explained(meaning: str, field: dict[str, Any]) -> str:
    """Return the meaning of a key, with the form of its value if needed."""
    forms = [each.pop("description") for each in (field, *field.get("anyOf", ())) if "description" in each]
    return _("%(meaning)s; written as: %(forms)s") % {"meaning": meaning, "forms": forms[0]} if forms else meaning


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an event file."""
    schema = _schema(Event, "mkwmail event")
    mailings = schema["properties"]["mailings"]
    mailings["propertyNames"] = {"pattern": "^[a-z][a-z0-9-]*$"}
    # They are listed so that an editor offers them; other names are allowed too.
    entry = {"anyOf": [{"$ref": "#/$defs/Mailing"}, {"type": "null"}]}
    mailings["properties"] = dict.fromkeys(kind_names(), entry)
    mailings["additionalProperties"] = entry
    audience = schema["$defs"]["Mailing"]["properties"]["audience"]
    audience["description"] = f"{audience['description']}: {', '.join([*WRITABLE_AUDIENCES, 'got:<mailing>'])}"
    _nullable(schema)
    return schema


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of mkwmail.yaml."""
    schema = _schema(Settings, "mkwmail settings")
    provider = schema["properties"]["provider"]
    schema["properties"]["provider"] = {"enum": [*PRESETS, None], "description": provider["description"]}
    # The host may come from the provider's preset.
    schema["$defs"]["Smtp"].pop("required", None)
    _nullable(schema)
    return schema


def _nullable(schema: dict[str, Any]) -> None:
    """Allow a key without a value if the key may be left out. Both mean the same."""
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
