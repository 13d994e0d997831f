"""Parses bytes into a JSON value, strictly, and finds the line and column of everything in it.

Decided here: which texts count as JSON, how the faults of one that does not are explained, and the
position of each value in a text. Not decided here: what a config must hold (`schemas`), and how an
issue looks to people (`showing.reports`). Begin with `document.parse`.

    document   parses a file; checks and copies values that Python code made
    scanner    finds what breaks the rules of JSON, up to the first fault that ends the reading
    faults     explains each kind of fault in DriftFlow's words, with a hint
    positions  computes lines and columns, finds the value at a path, sorts issues by position
"""
