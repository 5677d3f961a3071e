"""The prompt: IPython with the names ``kr``, ``krs`` and ``krp``. Sending a block to it needs no IPython."""
