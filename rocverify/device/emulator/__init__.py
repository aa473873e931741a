"""Executes gfx11 code objects on this CPU by translating them to native code."""
