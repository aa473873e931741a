"""The emulator's runtime in C (*.c), and as LLVM bitcode in the folder `prebuilt` of a wheel."""
