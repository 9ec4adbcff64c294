"""The event's calendar entry for the association's website, which is the same for everybody."""

from datetime import datetime

from mkwmail.config.event import Event
from mkwmail.mail.calendar_part import Method, content_lines, entry_of, link_in, to_ics
from mkwmail.mail.context import EntryForm, MailingContext, common_names, named
from mkwmail.mail.merge import Link, Value, unquote
from mkwmail.mail.templates import Templates, description


def website_entry(context: MailingContext, templates: Templates, moment: datetime) -> bytes:
    """Return the event as a calendar file, METHOD:PUBLISH.

    ``moment`` (aware) is its DTSTAMP. It has the UID of the entry that all recipients get, so that a calendar that has
    both shows one. A sign-up link that differs per member is left out; so is the link for online, which is for people
    who attend.

    :raises UserError: if ``calendar.txt`` has a fault, with its line.
    """
    event = _public(context.event)
    url = event.registration.url if event.registration else None
    names = {
        **common_names(event, context.settings.form),
        "sender": named(context.settings.sender),
        "association": Value(context.settings.association),
        "signup_link": Link(url) if url else None,
        "by_mail": False,
        "answer": None,
        "cancelled": context.cancelled,
        "signup_closed": context.signup_closed,
        "mailing": {"name": "", "text": None},
    }
    names.update(templates.macros(templates.text, "phrases.md", names))
    words = unquote(description(templates.part("calendar.txt"), names))
    entry = entry_of(
        context,
        method=Method.PUBLISH,
        uid=context.uid,
        stamp=moment,
        description=words,
        url=link_in(words, ""),
        form=EntryForm(),
    )
    return to_ics(content_lines(entry))


def _public(event: Event) -> Event:
    registration = event.registration
    if registration is None or registration.url is None or "{" not in registration.url:
        return event
    return event.model_copy(update={"registration": registration.model_copy(update={"url": None})})
