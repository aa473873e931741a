"""What hipBLAS and rocBLAS compute."""
