"""What the host and kernel sources really say: syntax trees, never comments."""
