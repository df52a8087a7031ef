"""All git: every call of it goes through here."""
