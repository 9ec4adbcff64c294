"""The words of the gallery's page, for its markup and its script."""

from mkwmail.language import _


def page_words(one_per_letter: bool) -> dict[str, str]:
    """The page's words by the names under which page.html and page.js use them."""
    return {**_frame(one_per_letter), **_mail(), **_entry(), **_variants(), **_help()}


def _frame(one_per_letter: bool) -> dict[str, str]:
    return {
        # Translators: the code of the language that you translate into (RFC 5646), such as nl.
        "language": _("en"),
        "list": _("Variants") if one_per_letter else _("Members"),
        "search": _("Search variants") if one_per_letter else _("Name, address, organisation"),
        "found": _("%(found)s of %(all)s"),
        "none_found": _("Nobody found"),
        "none": _("There are no mails."),
        "warnings": _("What to look at"),
        "previous": _("Previous"),
        "next": _("Next"),
        "open_list": _("Show the list"),
        "close_list": _("Close the list"),
        "no_script": _("This page needs JavaScript, which is switched off in this browser."),
    }


def _mail() -> dict[str, str]:
    return {
        "views": _("How the mail is shown"),
        "view_mail": _("Mail"),
        "view_text": _("Plain text"),
        "view_head": _("Head and files"),
        "view_differences": _("Differences"),
        "width": _("Width"),
        "desktop": _("Desktop"),
        "phone": _("Phone"),
        "colours": _("Colours"),
        "light": _("Light"),
        "dark": _("Dark"),
        "mail_of": _("The mail for %(name)s"),
        "from": _("From"),
        "to": _("To"),
        "head": _("Head"),
        "files": _("Files"),
        "no_files": _("No files go with this mail."),
        "file": _("File"),
        "type": _("Type"),
        "size": _("Size"),
    }


def _entry() -> dict[str, str]:
    return {
        "calendar": _("Calendar entry"),
        "no_calendar": _("No calendar entry goes with this mail."),
        "calendar_source": _("As it stands in the mail"),
        "PUBLISH": _("An entry to put into one's calendar; mail programs show no answer buttons."),
        "REQUEST": _("An invitation with answer buttons: accept, tentative, decline."),
        "CANCEL": _("A cancellation: the entry disappears from the calendar."),
        "summary": _("Title"),
        "when": _("When"),
        "where": _("Where"),
        "organizer": _("Organiser"),
        "attendee": _("Invited"),
        "alarm": _("Reminder"),
        "before": _("%(time)s before"),
        "status": _("Status"),
        "CONFIRMED": _("confirmed"),
        "TENTATIVE": _("provisional"),
        "CANCELLED": _("cancelled"),
        "description": _("Description"),
    }


def _variants() -> dict[str, str]:
    return {
        "variant": _("Variant %(number)s"),
        "only_variant": _("All mails have this text; only names and other personal values differ."),
        "most_common": _("This is the most common text."),
        "direct": _(
            "The template cuts or changes a personal value here, so this mail was composed for one member alone."
        ),
        "compared": _("Compared with the most common text"),
        "variants": _("All variants"),
        "such_as": _("such as %(name)s"),
        "more_variants": _("and %(n)s more"),
        "same_text": _("Subject, text, calendar entry and files are the same; the differences are in the HTML:"),
        "no_difference": _("There is no difference that can be read."),
        "subject": _("Subject"),
        "in_common": _("most common text"),
        "in_this": _("this mail"),
    }


def _help() -> dict[str, str]:
    return {
        "key_help": _("Keys"),
        "key_members": _("previous and next"),
        "key_search": _("search"),
        "key_views": _("mail, text, head, differences"),
        "key_phone": _("phone or desktop"),
        "key_dark": _("dark or light"),
        "links": _("Links in the mail do nothing here."),
    }
