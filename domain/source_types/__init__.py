"""Which types of sources there are, and what each takes in the configuration."""
