"""One person in everything Headrace holds: found, shown as evidence, and erased."""
