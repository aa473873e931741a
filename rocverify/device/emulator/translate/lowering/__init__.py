"""From basic blocks of machine code to one LLVM function, and its loops over strips of lanes."""
