"""The database of one repository."""
