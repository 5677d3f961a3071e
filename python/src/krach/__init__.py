"""krach: live-code the plugin from Python. So far the offline half: documents, DSP functions and patterns."""

from . import pattern as krp
from . import signal as krs
from .error import KrachError

__all__ = ["KrachError", "krp", "krs"]
