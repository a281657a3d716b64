"""What new notebooks begin as. Notebooks are plain Python files, in the format of marimo."""

from typing import Final

_HEAD: Final = """\
import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import dango_notebook as dango
    import marimo as mo

    return dango, mo
"""
_FOOT: Final = """

if __name__ == "__main__":
    app.run()
"""
_EXPLORE: Final = """

@app.cell
def _(mo):
    mo.md("# Explore: the warehouse is read-only here. Change the statement below.")
    return


@app.cell
def _(dango):
    dango.tables()
    return


@app.cell
def _(dango):
    rows = dango.sql("SELECT 42 AS answer")
    rows
    return (rows,)
"""
_QUALITY: Final = """

@app.cell
def _(mo):
    mo.md("# Quality: how many rows and how many empty values each column has")
    return


@app.cell
def _(dango, mo):
    found = dango.tables().fetchall()
    table = mo.ui.dropdown({f"{s}.{t}": (s, t) for s, t in found}, label="Table")
    table
    return (table,)


@app.cell
def _(dango, mo, table):
    mo.stop(table.value is None, mo.md("Choose a table."))
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in table.value)
    dango.sql(f"SUMMARIZE {quoted}")
    return
"""

TEXTS: Final = {
    "blank": _HEAD + _FOOT,
    "explore": _HEAD + _EXPLORE + _FOOT,
    "quality": _HEAD + _QUALITY + _FOOT,
}
