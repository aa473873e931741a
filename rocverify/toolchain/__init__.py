"""From .hip source to code object, and from code object to kernel metadata."""
