"""/api/catalog: what there is, what it is made of, what comes from where."""
