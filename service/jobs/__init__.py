"""The durable engine behind one small door; nothing outside this folder imports it."""
