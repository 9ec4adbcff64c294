"""The calendar entry for the association's website: the entry that members get, with nothing of anybody in it."""

from datetime import UTC, datetime

from mkwmail.letters.compose import Occasion
from mkwmail.letters.entry import entry_of, link_in
from mkwmail.letters.itip import Method, content_lines, to_ics
from mkwmail.letters.names import common_names
from mkwmail.letters.templates import Templates, plain, rendered
from mkwmail.letters.values import Link, Value, unquote
from mkwmail.sources.event import Event


def website_entry(occasion: Occasion, templates: Templates, moment: datetime) -> bytes:
    """The event as a calendar file, METHOD:PUBLISH, stamped ``moment`` (aware).

    It has the UID of the entry that everybody gets, so that a calendar that has both shows one. A sign-up link that
    is each member's own is left out; so is the link for online, which is for those who attend.

    :raises UserError: where ``calendar.txt`` is at fault, with its line.
    """
    event = _public(occasion.event)
    url = event.registration.url if event.registration else None
    names = {
        **common_names(event, occasion.settings.form),
        "sender": {"name": Value(occasion.settings.sender.name), "email": Value(occasion.settings.sender.email)},
        "association": Value(occasion.settings.association),
        "signup_link": Link(url) if url else None,
        "answer": None,
    }
    names.update(templates.macros(templates.text, "phrases.md", {**names, "mailing": {"text": None}}))
    description = unquote(plain(rendered(templates.part("calendar.txt"), "calendar.txt", names)).strip())
    entry = entry_of(
        event,
        occasion.settings,
        method=Method.PUBLISH,
        uid=occasion.uid,
        sequence=occasion.sequence,
        stamp=moment.astimezone(UTC),
        description=description,
        url=link_in(description, ""),
        cancelled=occasion.cancelled,
    )
    return to_ics(content_lines(entry))


def _public(event: Event) -> Event:
    registration = event.registration
    if registration is None or registration.url is None or "{" not in registration.url:
        return event
    return event.model_copy(update={"registration": registration.model_copy(update={"url": None})})
