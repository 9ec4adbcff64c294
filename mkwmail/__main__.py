"""``python -m mkwmail`` is ``mkwmail``."""

from mkwmail.cli import main

main()
