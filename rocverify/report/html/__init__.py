"""index.html: a report as one page without scripts and without anything from elsewhere."""
