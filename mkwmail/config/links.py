"""Links in an event file: complete, safe and not for examples."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from mkwmail.addresses import is_example
from mkwmail.config.event import Event
from mkwmail.config.yaml_document import Document, Loc, Node
from mkwmail.errors import Fault
from mkwmail.i18n import _
from mkwmail.text import nearest

# The fields of the sign-up link that addressing fills in.
LINK_FIELDS = ("code", "member_id", "email", "name", "first_name", "organisation")

_FIELD = re.compile(r"\{([^{}]*)\}")
_IN_TEXT = re.compile(r"https?://[^\s<>()\[\]\"“”«»‘]+", re.IGNORECASE)
_CURLY_LINK = re.compile(r"[“”„«‘‚]\s*((?:https?://|mailto:|www\.)[^\s“”«»’]+)\s*[“”«»’]")
_MARKDOWN_TARGET = re.compile(r"\]\(\s*([^)\s]*)[^)]*\)")
_OWN_LINKS: tuple[Loc, ...] = (("registration", "url"), ("online", "url"))


def link_faults(document: Document) -> Iterator[Fault]:
    """Return a fault for each link that cannot be followed safely.

    The keys for a link and all texts are checked.
    """
    for loc, node, text in document.texts():
        if loc in _OWN_LINKS:
            yield from _own_link_faults(document, loc, text.strip())
        elif loc[:1] != ("id",):
            yield from _text_faults(document, loc, node, text)


def _own_link_faults(document: Document, loc: Loc, url: str) -> Iterator[Fault]:
    def fault(sentence: str, repaired: str = "") -> Fault:
        remedy = document.repaired(loc, url, repaired) or f"url: {repaired}" if repaired else ""
        return Fault(document.place(loc), f"url: {sentence}", remedy)

    bare = url.strip("“”„«»‘’\"'<> ")
    if not url:
        return
    if bare != url:
        yield fault(_("signs around the link would become part of it"), bare)
        return
    if re.search(r"\s", url):
        yield fault(_("a link cannot have white space in it"), re.sub(r"\s+", "", url) if "\n" not in url else "")
        return
    if re.match(r"http://", url, re.IGNORECASE):
        yield fault(_("the link must begin with https://, so that nobody reads along"), "https" + url[4:])
    elif not re.match(r"https://", url, re.IGNORECASE):
        whole = f"https://{url}" if re.match(r"[\w-]+(?:\.[\w-]+)+(?:[/?#]|$)", url) else ""
        yield fault(_("the link must be whole, and begin with https://"), whole)
    elif not _host(url):
        yield fault(_("the link names no web site behind https://"))
    yield from _field_faults(document, loc, url)


def _field_faults(document: Document, loc: Loc, url: str) -> Iterator[Fault]:
    known = LINK_FIELDS if loc[0] == "registration" else ()
    for found in _FIELD.finditer(url):
        if found.group(1) in known:
            continue
        if not known:
            fault = _("nothing is filled in here, so %(field)s would be mailed as it is")
            yield Fault(document.place(loc), "url: " + fault % {"field": found.group()})
            continue
        fault = _(
            "%(field)s is not filled in; {code}, {member_id}, {email}, {name}, {first_name} and {organisation} are"
        )
        near = nearest(found.group(1), known)
        remedy = document.repaired(loc, found.group(), f"{{{near}}}") if near else ""
        yield Fault(document.place(loc), "url: " + fault % {"field": found.group()}, remedy)


def _text_faults(document: Document, loc: Loc, node: Node, text: str) -> Iterator[Fault]:
    for found in _CURLY_LINK.finditer(text):
        place, line = document.find(node, found.group())
        fault = _("curly quotes around a link would become part of it; leave them out")
        yield Fault(place, fault, line.replace(found.group(), found.group(1), 1))
    for url in _urls(text):
        if url.casefold().startswith("http://"):
            place, line = document.find(node, url)
            fault = _("the link %(link)s must begin with https://") % {"link": url}
            yield Fault(place, fault, line.replace(url, "https" + url[4:], 1))
    for found in _MARKDOWN_TARGET.finditer(text):
        target = found.group(1).strip("“”„«»‘’")
        if not re.match(r"https?://|mailto:|tel:|[{]", target, re.IGNORECASE):
            place, line = document.find(node, found.group())
            fault = _('"%(link)s" is no whole link: it must begin with https:// or mailto:')
            whole = f"https://{target}" if re.match(r"[\w-]+(?:\.[\w-]+)+", target) else ""
            remedy = line.replace(found.group(1), whole, 1) if whole and found.group(1) else ""
            yield Fault(place, fault % {"link": target}, remedy)


def _urls(text: str) -> list[str]:
    """Return the links written out in a text.

    Punctuation that ends the sentence is not part of a link.
    """
    return [found.group().rstrip(".,;:!?'’") for found in _IN_TEXT.finditer(text)]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _example_fault(place: str, url: str) -> Fault:
    fault = _("%(host)s is an address for examples and leads nowhere") % {"host": _host(url)}
    return Fault(place, fault, _("put the real link there before mailing"))


def link_warnings(document: Document) -> Iterator[Fault]:
    """Return a warning for each link to a domain for examples.

    Such links are refused only if they would really be mailed.
    """
    for loc, node, text in document.texts():
        if loc in _OWN_LINKS:
            if is_example(_host(text.strip())):
                yield _example_fault(document.place(loc), text.strip())
            continue
        for url in _urls(text):
            if is_example(_host(url)):
                place, _line = document.find(node, url)
                yield _example_fault(place, url)


def example_links(event: Event) -> tuple[Fault, ...]:
    """Return a fault for each link to a domain for examples (RFC 2606).

    Such links are refused if mail really leaves this computer.
    """
    urls: list[tuple[str, str]] = []
    if event.registration is not None and event.registration.url:
        urls.append(("registration: url", event.registration.url))
    if event.online is not None and event.online.url:
        urls.append(("online: url", event.online.url))
    texts = [("introduction", event.introduction)]
    texts += [(f"programme: {item.title}", item.description) for item in event.programme]
    texts += [(f"mailings: {name}", mailing.text) for name, mailing in event.mailings.items()]
    urls += [(place, url) for place, text in texts for url in _urls(text or "")]
    return tuple(_example_fault(f"{event.id}, {place}", url) for place, url in urls if is_example(_host(url)))
