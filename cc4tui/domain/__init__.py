"""The vocabulary of cc4tui as frozen dataclasses: standard library only, no input or output."""
