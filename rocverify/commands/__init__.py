"""Commands of the project (its builds and tests), run apart from its tree, and what their output says."""
