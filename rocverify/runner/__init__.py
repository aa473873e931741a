"""The pytest plugin: PLAN.md files are collected, every check is an item."""
