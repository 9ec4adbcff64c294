"""What comes with the program: templates and example files, in the wheel or in the repository."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """The folder ``templates`` or ``events`` that ships with the program.

    In an installed wheel it lies inside the package; in a checkout, beside it.
    """
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
