"""What makes a sync alert: triggers and their thresholds, the state each is in, and what people are told."""
