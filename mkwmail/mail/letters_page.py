"""Letters on paper: one HTML page with a sheet for each member who has no mail address."""

import re
from base64 import b64encode
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage

from markupsafe import Markup, escape

from mkwmail.dutch.names import full_name
from mkwmail.mail.letter import Message
from mkwmail.members.member_list import Member

_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)
# Links are spelled out, because paper cannot be clicked. Nothing is fetched.
_PAGE = """<!DOCTYPE html>
<html lang="nl">
<head>
<meta charset="utf-8">
<meta name="generator" content="mkwmail">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 15mm }}
body {{ margin: 0 }}
.letter {{ zoom: .72 }}
.letter .page, .letter .margin {{ background: none !important; padding: 0 !important }}
.letter .frame {{ max-width: none !important }}
.sheet {{ break-after: page }}
.sheet:last-child {{ break-after: auto }}
.address {{ margin: 15mm 0 8mm; font: 11pt/1.4 "Segoe UI", Arial, sans-serif; white-space: pre-line }}
.sheet a[href^="http"]::after {{ content: " (" attr(href) ")"; word-break: break-all }}
</style>
</head>
<body>
{sheets}
</body>
</html>
"""
_SHEET = """<section class="sheet">
<p class="address">{address}</p>
<div class="letter">
{letter}
</div>
</section>"""


def letters_page(letters: Iterable[tuple[Member, Message]], title: str) -> str:
    """Return the page as HTML, to be written in UTF-8.

    Each sheet has the member's name and organisation, and the letter as the mail's HTML says it.
    """
    sheets = (_SHEET.format(address=escape(_address(member)), letter=_letter(message)) for member, message in letters)
    return _PAGE.format(title=escape(title), sheets="\n".join(sheets))


def _address(member: Member) -> str:
    return "\n".join(line for line in (member.organisation, full_name(member.name)) if line)


def _letter(message: Message) -> Markup:
    mail = message_from_bytes(message.data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("html",))
    html = str(part.get_content()) if part is not None else ""
    for image in mail.walk():
        name, data = str(image["Content-ID"] or "").strip("<>"), image.get_payload(decode=True)
        if name and isinstance(data, bytes):
            url = f"data:{image.get_content_type()};base64,{b64encode(data).decode('ascii')}"
            html = html.replace(f"cid:{name}", url)
    body = _BODY.search(html)
    return Markup(body[1] if body else html)  # made by the mail's own templates, in which values are escaped
