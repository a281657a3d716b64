"""The DuckLake warehouse. Only settings, keeper and lake are for the server process.

The other modules import duckdb and are for child processes.
"""
