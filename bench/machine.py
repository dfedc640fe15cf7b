"""What all this is measured on.

python bench/machine.py
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from tabular import print_table

_PACKAGES = ("gdnsd", "knot", "dnsperf")


def main() -> None:
    """Print the machine and the versions of what is compared."""
    kib = int(re.search(r"MemTotal: +([0-9]+)", Path("/proc/meminfo").read_text())[1])  # type: ignore[index]
    models = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=False)
    rows = [
        ("CPU", f"{os.cpu_count()} x {models[0] if models else platform.machine()}"),
        ("memory", f"{kib / 2**20:.0f} GiB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("system", platform.freedesktop_os_release()["PRETTY_NAME"]),
        ("Python", platform.python_version()),
        ("compiler", compiler.stdout.partition("\n")[0]),
        *((package, _version_of(package)) for package in _PACKAGES),
        ("load", f"{os.getloadavg()[0]:.1f}"),
    ]
    print_table("Machine", ("", ""), rows)


def _version_of(package: str) -> str:
    if shutil.which("dpkg-query") is None:
        return "?"
    command = ["dpkg-query", "--show", "--showformat", "${Version}", package]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout or "not installed"


if __name__ == "__main__":
    main()
