"""The kinds of mailing that are shipped, by name, for tests that go through all of them."""

from enum import StrEnum


class Kind(StrEnum):
    """The names of the shipped kinds; tests/config/test_kinds.py compares them with the table."""

    SAVE_THE_DATE = "save-the-date"
    INVITATION = "invitation"
    REMINDER = "reminder"
    UPDATE = "update"
    CORRECTION = "correction"
    PRACTICAL = "practical"
    CONFIRMATION = "confirmation"
    CANCELLATION = "cancellation"
    THANKS = "thanks"
    OWN = "own"
