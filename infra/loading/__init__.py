"""Loading files into the warehouse, in a child process."""
