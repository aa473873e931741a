"""What each instruction does, one file for a group of instructions."""
