"""One reader per dialect, all giving the same model."""
