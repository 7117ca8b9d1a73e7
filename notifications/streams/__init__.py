"""An organization's audit log, carried elsewhere as it is written."""
