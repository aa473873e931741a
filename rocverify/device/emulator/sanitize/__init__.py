"""The sanitizer: undefined values, data races and misused barriers of kernels on the emulator."""
