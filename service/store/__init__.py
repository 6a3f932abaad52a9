"""The tables that all processes share, and what is kept in them."""
