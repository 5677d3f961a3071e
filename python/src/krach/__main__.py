"""``python -m krach`` is the command ``krach``."""

import sys

from krach.command import main

if __name__ == "__main__":
    sys.exit(main())
