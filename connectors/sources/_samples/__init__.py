"""Sample data sets: made by SQL in seconds, the same for the same settings on every machine."""
