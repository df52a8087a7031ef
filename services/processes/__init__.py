"""Starts agents so that they die with us and leave nothing behind."""
