"""krach: live-code the plugin from Python.

``kr`` is the session of an instance of the plugin: it attaches at its first use. ``krs`` (DSP), ``krp`` (patterns) and
the documents (``krach.ir``) need no plugin.
"""

from . import client
from . import pattern as krp
from . import signal as krs
from .error import KrachError, ModuleError
from .export import export
from .ir.module import Frozen, ModuleIr, Node
from .ir.signal import DspGraph
from .modules import ModuleProxy, SubModuleRef, module
from .session import Session, attach

kr = Session()

__all__ = [
    "DspGraph",
    "Frozen",
    "KrachError",
    "ModuleError",
    "ModuleIr",
    "ModuleProxy",
    "Node",
    "Session",
    "SubModuleRef",
    "attach",
    "client",
    "export",
    "kr",
    "krp",
    "krs",
    "module",
]
