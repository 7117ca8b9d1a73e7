"""People in what syncs remember: where they are found, how they are erased, and whom runs leave out."""
