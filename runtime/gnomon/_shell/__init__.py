"""Everything that waits: the loop, ZeroMQ, timers, processes, execution. It decides nothing."""
