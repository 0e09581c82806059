"""Stand-ins for head, node and worker: as little as it takes to watch the life cycle around them."""
