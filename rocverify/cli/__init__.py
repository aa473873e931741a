"""The command line: one file a subcommand; parses arguments and calls."""
