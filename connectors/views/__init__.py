"""Pages of sources and destinations: one set of views, told by ``kind`` which side they show."""
