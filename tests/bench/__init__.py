"""`make bench`: figures beside their limits, measured in one run, as a table and as JSON.

The project that is measured has 20 sources and 50 users; the log of 1,000,000 events holds the mix
of `history.MIX`. Load on the server comes from processes of its own that speak over raw sockets.
"""
