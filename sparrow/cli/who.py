"""Who runs a command, for records of what people decided. Start from `name_user`."""

from __future__ import annotations

import os
import pwd

from sparrow.control.ordering import MAX_NAME


def name_user() -> str:
    """Give the name that who runs this goes by; behind sudo, the one that they logged in with."""
    name = os.environ.get("SUDO_USER", "")
    if not name:
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = ""
    return name[:MAX_NAME] if name.isprintable() else ""
