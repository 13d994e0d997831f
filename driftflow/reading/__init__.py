"""Bytes to a JSON value, strictly, with the line and column of everything.

Decided here: what is JSON and what is not, how a text that is none is explained to its author,
and where in a text each value stands. Not decided here: what a config must hold (`schemas`), and
how an issue looks to people (`showing.reports`). Begin with `document.parse`.

document: Reads a file, and copies JSON values that Python code made.
scanner: Finds what is wrong with a text that is no strict JSON, and the first fault in it.
faults: Says what each fault is in our words, and what would be right.
positions: Tells lines and columns, finds the values to which paths lead, and sorts issues.
"""
