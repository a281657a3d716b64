"""What can happen, and what may be decided. Pure: no I/O, no clock, no randomness, no framework."""
