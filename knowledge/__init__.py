"""What is documented: pure, offline lookups."""
