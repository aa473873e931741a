"""How each kernel of this package is called, and what it must compute: read by rocverify's checks."""
