"""cc4tui: a command center in the terminal for people who let coding agents do real work."""

__version__ = "0.1.0"
