"""Providers that let us read for sources, over OAuth 2.0."""
