"""Parses bytes into a JSON value, strictly, and finds the line and column of everything in it.

Decided here: what is JSON and what is not, how a text that is not JSON is explained to its author,
and the position of each value in a text. Not decided here: what a config must hold (`schemas`), and
how an issue looks to people (`showing.reports`). Begin with `document.parse`.

    document   parses a file; makes checked copies of values that Python code made
    scanner    finds what breaks the rules of JSON in a text, up to the first fault that ends it
    faults     explains each kind of fault in our own words, with a hint
    positions  computes lines and columns, finds the values of paths, sorts issues
"""
