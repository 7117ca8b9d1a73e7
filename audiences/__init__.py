"""Schema, filters, traits, audiences, and the data rules built on them."""
