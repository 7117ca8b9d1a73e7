"""What Headrace costs, measured beside the same work done by hand."""
