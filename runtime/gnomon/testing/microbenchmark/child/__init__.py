"""The measured side of the microbenchmark: what runs inside a process of the system under test.

This folder is run by path (``start.py``) under the interpreter of the system under test, which may hold Ray
and no gnomon. So its modules import the standard library, NumPy (where a row needs it) and each other,
nothing else, and each other by relative imports: the package has another name there. The system under test is
an argument everywhere, called ``ray`` as in every program that either system runs.
"""
