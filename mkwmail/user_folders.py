"""The folders that the system has for a person's settings and state, outside the working folder."""

import os
from pathlib import Path

#: Names another folder for the state.
STATE_VARIABLE = "MKWMAIL_STATE"


def config_folder() -> Path:
    """Return the folder for a person's settings; it need not exist."""
    import platformdirs

    return platformdirs.user_config_path("mkwmail", appauthor=False)


def state_folder() -> Path:
    """Return the folder for what the program notes by itself; it need not exist.

    It is no full path if ``MKWMAIL_STATE`` is not one, or if the system knows no home folder.
    """
    import platformdirs

    chosen = os.environ.get(STATE_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_state_path("mkwmail", appauthor=False)
