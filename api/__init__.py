"""The ways in: HTTP routes, wire types, permissions, status codes, the command line."""
