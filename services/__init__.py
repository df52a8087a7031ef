"""The pipeline: knows nothing of screens, databases or front ends."""
