"""Tone: whether what somebody wrote addresses the reader as the mail around it does."""

from mkwmail.dutch.forms import forms_in
from mkwmail.dutch.names import Form
from mkwmail.letters.markdown import text_of


def mixed_forms(text: str, form: Form) -> tuple[str, ...]:
    """The words in an own text (Markdown) that address the reader in the other form than the mail's.

    ``form`` is how the mails address their readers. Each word once, in lower case, in the order of the text; empty
    where nothing is mixed. "je" may also mean nobody in particular, and a quotation speaks for itself: what is
    found is worth a warning, not a refusal.
    """
    other: Form = "u" if form == "je" else "je"
    return forms_in(text_of(text)).get(other, ())
