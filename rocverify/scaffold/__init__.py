"""Beginnings of what a project writes for rocverify, from what its sources and code objects show."""
