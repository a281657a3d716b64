"""The types of source: what each may be told. The rows are in table.py, a block in each module."""
