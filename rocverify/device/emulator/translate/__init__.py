"""From gfx machine code to LLVM IR: one function a kernel, one call a wave."""
