"""The packs: actions that ship with DriftFlow and are off until the operator asks for one.

`--actions driftflow.packs.files` enables a pack; a config cannot. A pack is an ordinary module of
actions, like one that a user could write; no other part of DriftFlow imports it. Decided here: what
these actions take, do and return. Not decided here: how actions are found and called (`actions`),
how a file is replaced (`writing`), and how a program and all that it has started are ended
(`parallel.processes`). Begin with any action: its schema says what it takes, and `driftflow
actions` prints the first line of its docstring.

    files    reads and writes text, JSON, JSON Lines and CSV
    process  runs a program, without a shell
"""
