"""Derives the decoder's tables (rocverify/device/emulator/isa/families/*.json) from LLVM's disassembler.

    python -m scripts.decoding [gfx110 ...]

needs llvm-mc (that of LLVM 19 wrote the tables that are in the repository), and takes some minutes a table.
layouts.py, gfx11.py, gfx103.py and gfx12.py have the fields of each microcode format, probing.py asks LLVM
what words mean, records.py finds which instructions there are, and inference.py, from LLVM's answers, which
field says what. What LLVM does not know of a processor is not in its table.
"""
