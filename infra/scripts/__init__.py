"""The project's scripts: Python files that schedules run, each in a child process of its own."""
