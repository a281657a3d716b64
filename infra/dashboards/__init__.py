"""Metabase, as its administrator."""
