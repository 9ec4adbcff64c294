"""Builds compile the catalogues of messages: the wheel holds what the program reads."""

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface[Any]):
    """Compiles every catalogue into the package before it is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        from tools.messages import LOCALE, compiled

        for folder in sorted(LOCALE.iterdir()):
            build_data["artifacts"].append(str(compiled(folder.name).relative_to(self.root)))
