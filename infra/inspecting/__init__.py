"""Looking into published data for personal data. Only settings is for the server process."""
