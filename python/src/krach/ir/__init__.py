"""Documents of a session as frozen values: ``krach.ir.module`` and ``krach.ir.signal``."""
