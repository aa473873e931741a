"""hipRTC: compiling kernels while a program runs."""
