"""Every message, grouped by who talks to whom: tasks, leases, actors, objects, cluster, holders."""
