"""Ad-hoc SQL: the gate that judges a statement, the sandbox that it runs in, its worker."""
