"""The tools of `api/tools.py` as a Model Context Protocol server: programs that act for people.

It knows no more of the platform than the table of tools tells, and asks the API for all else.
"""
