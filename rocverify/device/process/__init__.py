"""The device process: what owns the device, and how clients and the judge talk to it."""
