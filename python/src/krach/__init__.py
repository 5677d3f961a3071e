"""krach: live-code the plugin from Python. So far the offline half: documents and DSP functions."""

from . import signal as krs

__all__ = ["krs"]
