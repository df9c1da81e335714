"""All input and output, behind the small async Protocols of `ports.py`."""
