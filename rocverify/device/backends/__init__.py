"""What executes on behalf of the device process: the emulator, or a real GPU behind its HIP runtime."""
