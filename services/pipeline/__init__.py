"""Schedules, runs, checks, merges and lands tasks."""
