"""Code objects in device memory, and the memory itself."""
