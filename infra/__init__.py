"""The ways out: log, vault, views, warehouse, workers, settings. `main` joins all."""
