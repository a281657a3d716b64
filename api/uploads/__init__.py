"""/api/sources/{name}/upload-csv and csv-files: the files of a source."""
