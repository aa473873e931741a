"""Load, launch, copy, time: hip-python's API on every device, every call traced."""
