"""Read models: what every GET shows is a fold of the log, made and asked here."""
