"""rocverify: decides whether a GPU kernel plan is really done, by executing what it claims."""

__version__ = "0.1.0"
