"""The pages: HTML rendered on the server, which works without scripts and stays live with one."""
