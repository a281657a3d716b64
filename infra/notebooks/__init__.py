"""Notebooks: their folder, and the processes that they are edited in."""
