"""What runs beside the code under verification, in its process: Python's own library and NumPy, nothing of
the judge. `process` sends these sources there, where they have no file and another name."""
