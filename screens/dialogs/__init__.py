"""Questions in front of the screen: none higher than 22 rows, Enter answers, Esc leaves."""
