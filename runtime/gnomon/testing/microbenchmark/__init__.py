"""The work of ``gnomon microbenchmark``: the rows of ``ray microbenchmark``, alone or side by side with Ray.

Each system under test lives in a child process of its own (``child/``, run by path under that system's
interpreter); ``runner.py`` has the children take turns, ``report.py`` prints. Rows and their work are those
of Ray's command of that name, so that a figure here means what it means there.
"""
