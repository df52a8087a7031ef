"""Agent backends, one file each."""
