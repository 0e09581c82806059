"""The object store's memory: one arena per node, shared by all its processes."""
