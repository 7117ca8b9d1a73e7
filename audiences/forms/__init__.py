"""Forms of the studio's pages."""
