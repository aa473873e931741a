"""What is looked for on the host's side with --sanitize."""
