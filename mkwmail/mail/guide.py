"""The guide for the secretary, as pages that a browser shows without a network."""

import html
import re
from collections.abc import Mapping
from pathlib import Path

#: The guide and the pages that it refers to, by their names in ``docs/``.
PAGES = ("handleiding", "beheer", "overnemen", "formulieren", "microsoft365", "google")

#: The chapters of the guide itself, by the word to type: their headings.
SECTIONS: Mapping[str, str] = {
    "inloggen": "De werkmap, en één keer inloggen",
    "vooraankondiging": "Januari: de vooraankondiging",
    "uitnodiging": "Februari: de uitnodiging",
    "aanmeldingen": "Maart: de aanmeldingen en de herinnering",
    "wijzigingen": "April: wijzigingen, praktische informatie en de dag zelf",
    "opruimen": "Mei: bedanken, verslag doen, opruimen",
    "papieren": "Papieren: bewijs van deelname, badges, presentielijst",
    "misgaat": "Als er iets misgaat",
    "ledenlijst": "De ledenlijst uit Excel",
    "teksten": "Eigen teksten",
    "voorzitter": "De voorzitter laten meekijken",
    "woorden": "Woordenlijst",
}


def place_of(chapter: str) -> tuple[str, str]:
    """Return the page of a chapter, and the name of its heading there; empty for a whole page.

    :raises KeyError: if there is no such chapter.
    """
    return (chapter, "") if chapter in PAGES else (PAGES[0], _anchor(SECTIONS[chapter]))


_STYLE = Path(__file__).with_name("guide.css")
_TO_PAGE = re.compile(r"^([\w-]+)\.md(#.*)?$")


def guide_page(text: str, docs: Path) -> str:
    """Return a page of the guide, written in Markdown, as HTML.

    Links to other chapters lead to their pages, pictures to their files in ``docs``, and other files to nowhere.
    """
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    title = next((tokens[at + 1].content for at, each in enumerate(tokens) if each.type == "heading_open"), "mkwmail")
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[at + 1].content))
        for child in token.children or ():
            if child.type == "image":
                child.attrSet("src", (docs / str(child.attrGet("src"))).resolve().as_uri())
            elif child.type == "link_open" and (found := _TO_PAGE.match(str(child.attrGet("href")))):
                name, place = found[1], found[2] or ""
                child.attrSet("href", f"{name}.html{place}" if name in PAGES else place or "#")
    style = _STYLE.read_text(encoding="utf-8")
    body = markdown.renderer.render(tokens, markdown.options, {})
    return (
        f'<!DOCTYPE html>\n<html lang="nl"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>\n{style}</style></head>\n'
        f"<body>\n{body}</body></html>\n"
    )


def _anchor(heading: str) -> str:
    """Return the name of a heading in links, as GitHub and GitLab make it."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.casefold().strip()))
