"""The program: the language is chosen, then the command line is read. ``python -m mkwmail`` is ``mkwmail``."""

import gc
import os
import sys
from pathlib import Path

from mkwmail.config.folder import language_setting
from mkwmail.i18n import speak, wanted


def main() -> None:
    """Run the program with the words of this process."""
    # A run is short and leaves hardly a cycle behind: looking for them costs a fifth of what it takes to start.
    gc.disable()
    speak(wanted(language_setting(sys.argv[1:], os.environ, Path.cwd()), os.environ))
    # Its help is looked up when it is imported.
    from mkwmail.cli import main as run

    try:
        run()
    finally:
        # Nor are they looked for at the end: the system takes the memory back at once.
        gc.freeze()


if __name__ == "__main__":
    main()
