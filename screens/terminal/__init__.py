"""Programs at terminals inside the app: their emulation, their pane, their keys."""
