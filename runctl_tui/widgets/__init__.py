"""What is drawn; data in by attributes, facts out by nested messages."""
