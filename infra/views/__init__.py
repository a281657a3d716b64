"""The views file: where projections live, how they follow the log, are rebuilt, swapped, checked.

It is disposable: everything in it can be folded again from the log. So it is never fsynced, and one
written before a power loss (another boot id) is thrown away.
"""
