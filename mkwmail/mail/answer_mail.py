"""The mails that the buttons of an invitation open: with them, people answer without a form.

The subject says the answer, and holds the token by which it is recognised. Reading them is
:mod:`mkwmail.responses.incoming`.
"""

from collections.abc import Mapping
from urllib.parse import quote as percent_encode

from mkwmail.config.event import Event, SignUpBy
from mkwmail.config.settings import Settings

#: Begins the token in the subject and the text of every mail that a button opens.
TOKEN = "[mkw-"
#: The subjects of both buttons, and of the link in an invitation with a form.
COMES, COMES_NOT, CANNOT_COME = "Ik kom", "Ik kom niet", "Ik kan er niet bij zijn"
#: The lines to fill in: behind a part's title, and the labels of the others.
YES_OR_NO = " (ja of nee)"
COMPANIONS, DIETARY, REMARK = "Introducés (aantal)", "Dieetwensen", "Opmerking"
KEEP_THIS = "Laat deze regel staan:"

_CODE = "{code}"
_PROOF = "PROEF"


def token_of(code: str) -> str:
    """Return the token for a code."""
    return f"{TOKEN}{code}]"


def answers_go_to(settings: Settings) -> str:
    """Return the address for answers."""
    return settings.reply_to or settings.sender.email


def is_by_mail(event: Event) -> bool:
    """Return whether people sign up with a mail instead of a form."""
    return event.registration is not None and event.registration.by is SignUpBy.MAIL


def answer_links(event: Event, settings: Settings, proof: bool) -> Mapping[str, str]:
    """Return the links to answer with, by their name in templates; ``{code}`` is the code of each member.

    ``signup_link`` is the form's, or opens a mail. ``decline_link`` always opens a mail; it needs a mailbox that is
    read. In a proof, they are nobody's.
    """
    registration = event.registration
    url = registration.url if registration else None
    code = _PROOF if proof else _CODE
    links = {}
    if is_by_mail(event):
        links["signup_link"] = _mailto(settings, event, COMES, [*_lines(event), ""], code)
        links["decline_link"] = _mailto(settings, event, COMES_NOT, [f"{REMARK}: ", ""], code)
    elif url is not None:
        links["signup_link"] = url
        if settings.mailbox is not None:
            links["decline_link"] = _mailto(settings, event, CANNOT_COME, [f"{REMARK}: ", ""], code)
    return links


def _lines(event: Event) -> list[str]:
    """Return the lines to fill in by somebody who comes."""
    parts = [f"{' '.join(each.title.split())}{YES_OR_NO}: " for each in event.programme if each.optional]
    return [*parts, f"{COMPANIONS}: ", *([f"{DIETARY}: "] if event.catering else []), f"{REMARK}: "]


def _mailto(settings: Settings, event: Event, answer: str, lines: list[str], code: str) -> str:
    """Return a link that opens a mail (RFC 6068): lines end with CRLF, and a space is never a plus."""
    token = token_of("\0")
    title = " ".join(event.title.split())
    body = "\r\n".join([f"{answer}.", "", *lines, f"{KEEP_THIS} {token}"])
    fields = {"subject": f"{answer}: {title} {token}", "body": body}
    query = "&".join(f"{name}={percent_encode(text, safe='')}" for name, text in fields.items())
    return f"mailto:{percent_encode(answers_go_to(settings), safe='@')}?{query}".replace("%00", code)
