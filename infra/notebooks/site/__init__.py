"""What is on the path of a notebook's processes, and of nothing else."""
