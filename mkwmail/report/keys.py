"""One key from the keyboard, without Enter."""

import sys


def read_key() -> str:
    """The next key as a character; empty at end of file.

    :raises KeyboardInterrupt: on Ctrl-C.
    """
    if sys.platform == "win32":
        import msvcrt

        key = msvcrt.getwch()
    else:
        import termios
        import tty

        keyboard = sys.stdin.fileno()
        before = termios.tcgetattr(keyboard)
        try:
            # Not flushing: a key that was pressed a moment ago counts.
            tty.setcbreak(keyboard, termios.TCSADRAIN)
            key = sys.stdin.read(1)
        finally:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    if key == "\x03":
        raise KeyboardInterrupt
    return key
