"""The project under verification as running code: its modules, and the border that its calls cross."""
