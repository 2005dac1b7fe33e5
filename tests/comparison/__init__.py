"""The scenarios in which solutions are compared, and the table that the README shows."""
