"""What each key of an event's file and of mkwmail.yaml means, in a line: an editor shows it beside the key."""

from collections.abc import Mapping

from mkwmail.language import _


def explanations() -> Mapping[str, Mapping[str, str]]:
    """Part of a file → key → what it means, in the program's language; ``Event`` and ``Settings`` are whole files."""
    return {**_of_an_event(), **_of_the_settings()}


def _of_an_event() -> dict[str, dict[str, str]]:
    return {
        "Event": {
            "id": _("the event's short name in commands; it never changes, also when the date does"),
            "title": _("the event's name"),
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
            "pe_points": _("a number of PE points; true: there are some, the number follows"),
            "calendar": _("the calendar entry in the mails"),
            "mailings": _("the mailings: when each goes, and what is special about it"),
        },
        "Location": {
            "name": _("the building's name"),
            "street": _("street and number"),
            "city": _("town or city"),
        },
        "Online": {"url": _("the link; only those who attend see it")},
        "ProgrammeItem": {
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
            "url": _("the sign-up form's address; {code}, {member_id} and {email} become each member's own"),
            "deadline": _("until when members can sign up; a date alone: until the end of that day"),
            "one_per_organisation": _(
                "yes: once somebody of an organisation comes, its others are not invited or reminded"
            ),
        },
        "CalendarEntry": {
            "method": _("publish: an entry to keep; request: one that asks for an answer; none: no entry"),
            "alarm": _("how long before the start the calendar rings"),
        },
        "ColumnAudience": {
            "column": _("a column of the member list"),
            "is": _("the values that the column may have"),
        },
        "Mailing": {
            "send": _("the moment at which it goes"),
            "latest": _("after this moment it goes to nobody; a date alone: until the end of that day"),
            "template": _("the name of another template"),
            "subject": _("another subject"),
            "text": _("some lines of your own, in Markdown"),
            "attachments": _("files that go with it, relative to the event's file"),
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
            "provider": _("a known provider: brings host, port and pace"),
            "smtp": _("the server that takes the mails"),
            "pace": _("how fast mails go"),
            "hours": _("when `mkwmail due` may mail"),
            "keep": _("how long an event's personal data are kept"),
        },
        "Mailbox": {
            "name": _("the name that people see"),
            "email": _("the address"),
        },
        "Smtp": {
            "host": _("the server's name"),
            "port": _("587, or 465 with security: tls"),
            "security": _("how the connection is encrypted; none only to this computer itself"),
            "username": _("the name to log in with, often the mail address"),
            "password_command": _("a command that prints the password"),
            "password_file": _("a file with the password, which only you can read"),
            "auth": _("password, or oauth for Microsoft 365 and Google"),
            "client_id": _("with auth: oauth: the application's id at the provider"),
            "tenant": _("with Microsoft: the organisation, by a domain of it or its id"),
            "authorize_url": _("with a provider of your own: where people sign in with a browser"),
            "device_url": _("with a provider of your own: where codes for another device come from"),
            "token_url": _("with a provider of your own: where tokens come from"),
            "scopes": _("with a provider of your own: what the sign-in is to allow"),
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
        },
    }
