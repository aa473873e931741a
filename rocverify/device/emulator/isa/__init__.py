"""Facts of the processors: targets, encodings, operands, kernel descriptors, occupancy; disassembly."""
