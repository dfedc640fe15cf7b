"""Certificates, good and bad, as `openssl` makes them. Start from `Authority`."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from speakers import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path, openssl: str, name: str) -> None:
        self.folder, self._openssl = folder, openssl
        self.ca, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        self.run(
            "req", "-x509", *KEY, "-keyout", self._key, "-out", self.ca, "-subj", f"/CN={name}"
        )

    def run(self, *arguments: object) -> None:
        command = (self._openssl, *map(str, arguments))
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)

    def issue(self, name: str, holder: str, days: int = 30) -> tuple[str, str]:
        """Give the files of a certificate for a holder, as `IP:127.0.0.1`, and of its key."""
        certificate, key, request, extra = (
            self.folder / f"{name}.{end}" for end in ("cert", "key", "csr", "ext")
        )
        extra.write_text(f"subjectAltName={holder}\n")
        self.run("req", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self.run(
            *("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key),
            *("-CAcreateserial", "-out", certificate, "-extfile", extra, "-days", days),
        )
        return str(certificate), str(key)
