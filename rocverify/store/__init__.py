"""What is kept on disk: whole files, digests, caches, and the folders they may lie in."""
