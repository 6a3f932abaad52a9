"""What people see: one card a file, each a pure function from a value to a message."""
