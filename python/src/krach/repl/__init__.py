"""The prompt: IPython with the names ``kr``, ``krs`` and ``krp``."""

from .prompt import start

__all__ = ["start"]
