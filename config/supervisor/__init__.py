"""One command that runs all of Headrace: embedded services, web, workers, scheduler."""
