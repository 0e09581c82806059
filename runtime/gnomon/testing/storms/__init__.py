"""Storms: real processes at work while faults strike, and a verdict.

    python -m gnomon.testing.storms worker-kills --tasks 50000 --seed 1

A storm works through a session of its own, strikes at it, and says in a :class:`Report` what was wrong: a value,
an order, a task that ran more often than it may, a failure that no retry explains, something left behind. The
seed fixes what is chosen (victims, instants, kinds of tasks); what the processes make of it is theirs.

    report      what a storm says, and until when it may run
    session     its session, and the zero check at its end
    striker     kills a chosen process every so often
    catalog     all storms, with their small and full sizes
"""
