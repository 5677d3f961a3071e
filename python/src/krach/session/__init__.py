"""``kr``: the session of one instance of the plugin."""

from .base import Change
from .handles import Modulation, ModuleHandle, NodeHandle
from .info import Control, Info
from .session import Session, attach

__all__ = ["Change", "Control", "Info", "Modulation", "ModuleHandle", "NodeHandle", "Session", "attach"]
