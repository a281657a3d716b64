"""Child processes for everything that is long, heavy or not to be trusted; see pool.py."""
