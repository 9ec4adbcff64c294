"""Frame: what every letter of a mailing has around its text."""

from dataclasses import dataclass

from jinja2 import Template

from mkwmail.letters.attachments import Attachment
from mkwmail.sources.event import Event
from mkwmail.sources.settings import Settings


@dataclass(frozen=True, slots=True)
class Frame:
    """What frames every letter of a mailing."""

    event: Event
    settings: Settings
    layout_html: Template
    layout_text: Template
    css: str
    attachments: tuple[Attachment, ...]
    logo: Attachment | None
    uid: str
    sequence: int
    cancelled: bool
    proof: bool
    automatic: bool
