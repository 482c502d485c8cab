"""On what a benchmark ran, for its page: nothing that tells one machine of a kind from another."""

import os
import platform
import ssl
from pathlib import Path


def described() -> dict[str, str]:
    """What matters for the figures, by name."""
    return {
        "processor": f"{_line('/proc/cpuinfo', 'model name') or platform.machine()}, {os.cpu_count()} cores",
        "memory": f"{int((_line('/proc/meminfo', 'MemTotal') or '0 kB').split()[0]) / 2**20:.0f} GB",
        "system": _line("/etc/os-release", "PRETTY_NAME").strip('"') or platform.system(),
        "Python": platform.python_version(),
        "OpenSSL": ssl.OPENSSL_VERSION.removeprefix("OpenSSL "),
        "load average at the start": f"{os.getloadavg()[0]:.1f}",
    }


def _line(path: str, name: str) -> str:
    """The value of the first line of a file that begins with *name*."""
    file = Path(path)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = next((line for line in lines if line.startswith(name)), "")
    return (found.partition(":")[2] or found.partition("=")[2]).strip()
