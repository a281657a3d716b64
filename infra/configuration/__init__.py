"""The configuration files of a project: read, checked, and refused with file, line and column."""
