"""Torture: real processes, random faults, and a destination that remembers everything."""
