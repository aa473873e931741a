"""The families of processors, one file each where the emulator runs one."""
