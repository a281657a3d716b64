"""Backups: what belongs to one, how it is sealed, where it lies, how a project comes back."""
