"""The processes of a session: ``main`` of head, node and worker, and the launcher that starts them all."""
