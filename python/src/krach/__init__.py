"""krach: live-code the plugin from Python. So far the offline half: documents, DSP functions, patterns and modules."""

from . import pattern as krp
from . import signal as krs
from .error import KrachError
from .export import export
from .ir.module import Frozen, ModuleIr, Node
from .ir.signal import DspGraph
from .modules import ModuleError, ModuleProxy, SubModuleRef, module

__all__ = [
    "DspGraph",
    "Frozen",
    "KrachError",
    "ModuleError",
    "ModuleIr",
    "ModuleProxy",
    "Node",
    "SubModuleRef",
    "export",
    "krp",
    "krs",
    "module",
]
