"""What a wheel carries beside the client: its licences, and in the one for a system the plugin and ``krach-host``."""

import os
import platform
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parents[1]
LICENCES = ("LICENSE-MIT", "LICENSE-APACHE")

BUNDLED = "KRACH_WHEEL_BUNDLED"
"""Names the folder with ``krach.clap`` and ``krach.vst3``; without it the wheel is the pure one."""

HOST = "KRACH_WHEEL_HOST"
"""Names ``krach-host``."""


def system() -> str:
    """Return the tag of this system: under Linux with its C library, so that pip refuses where one is older."""
    library, version = platform.libc_ver()
    if library == "glibc":
        return f"manylinux_{version.replace('.', '_')}_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


class Carried(BuildHookInterface[Any]):
    """Adds what is carried."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Choose the files and the tag."""
        if version == "editable":
            return
        given: dict[str, str] = build_data["force_include"]
        given |= {str(ROOT / each): f"krach/{each}" for each in LICENCES if (ROOT / each).exists()}
        folder = os.environ.get(BUNDLED)
        if not folder:
            return
        host = Path(os.environ[HOST])
        for each in (Path(folder) / "krach.clap", Path(folder) / "krach.vst3", host):
            if not each.exists():
                raise FileNotFoundError(f"{each} is missing: `cargo xtask wheel` builds it")
            given[str(each)] = f"krach/plugin/{each.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{system()}"
