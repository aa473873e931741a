"""Records in, SUMMARY, VERIFICATION, JSON out; runs nothing."""
