"""The entry point: choose the language, then read the command line.

``python -m mkwmail`` does the same as ``mkwmail``.
"""

import gc
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from mkwmail.config.folder import language_setting
from mkwmail.i18n import speak, wanted


def main() -> None:
    """Choose the language and run the command line."""
    # A run is short and leaves few reference cycles. The search for them takes a fifth of the start-up time.
    gc.disable()
    # pydantic would search all installed packages for plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks (a quote in cp850) is replaced; it must not stop a run.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    speak(wanted(language_setting(sys.argv[1:], os.environ, Path.cwd()), os.environ))
    # Imported only now: cli translates its help texts when it is imported.
    from mkwmail.cli import main as run

    try:
        run()
    finally:
        # Skip the collection at exit as well: the system frees the memory at once.
        gc.freeze()


if __name__ == "__main__":
    main()
