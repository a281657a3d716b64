"""The dbt project: found or made, laid out for each source, built by a warm child process.

`project`, `staging` and `dbt` are for the server process; the other modules import dbt or duckdb
and are for the child.
"""
