"""Derives the decoder's tables (rocverify/device/emulator/isa/families/*.json) from LLVM's disassembler.

    python -m scripts.decoding [gfx11 ...]

needs llvm-mc and llvm-objdump (19 wrote the tables that are in the repository); layouts.py has the fields of
each microcode format, probing.py asks LLVM what words mean, inference.py finds from the answers which field
says what. What LLVM does not know of a processor is not in its table.
"""
