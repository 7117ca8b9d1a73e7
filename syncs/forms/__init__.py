"""Forms of the model and sync pages. They check what is typed; services check what it means."""
