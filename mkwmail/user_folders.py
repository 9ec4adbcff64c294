"""The system's folders for a user's settings and state.

They are outside the working folder.
"""

import os
from pathlib import Path

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _

#: The variable that names another folder for the state.
STATE_VARIABLE = "MKWMAIL_STATE"


def config_folder() -> Path:
    """Return the folder for the user's settings; it need not exist.

    :raises UserError: code SETTINGS if the system knows no home folder.
    """
    import platformdirs

    try:
        folder = platformdirs.user_config_path("mkwmail", appauthor=False)
    except RuntimeError:
        folder = Path("~")
    if folder.is_absolute():
        return folder
    fault = _("there is no home folder in which mkwmail keeps logins")
    remedy = _("set HOME, or give the password another way: password_command or password_file in mkwmail.yaml")
    raise UserError(Fault("", fault, remedy), code=ExitCode.SETTINGS)


def state_folder() -> Path:
    """Return the folder for the program's own notes; it need not exist.

    It is not an absolute path if ``MKWMAIL_STATE`` is not one, or if the system knows no home folder.
    """
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen)
    import platformdirs

    try:
        return platformdirs.user_state_path("mkwmail", appauthor=False)
    except RuntimeError:
        return Path("~")
