"""Databases as sources, read by SQLAlchemy in batches that become Arrow columns."""
