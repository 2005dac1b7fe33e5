"""Adapters: functions that take a config and return a response."""
