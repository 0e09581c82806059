"""crash-matrix: every way to crash (``faults``) at every place where a user's code runs (``places``).

cells     the table: which faults meet which places, and what is to come of it
matrix    runs cells among innocent tasks; only the guilty may fail, with the right error and a cause in words
"""
