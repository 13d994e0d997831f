"""The packs: actions that ship with DriftFlow and are off until the operator asks for one.

`--actions driftflow.packs.files` enables a pack; a config cannot. A pack is a module of actions as
any user could write it, with the decorator `@driftflow.action`; nothing else here imports one.
Decided here: what these actions take, do and return. Not decided here: how actions are found and
called (`actions`), and how a program is ended with all that it has started (`parallel.processes`).
Begin with any action: its schema says what it takes, its docstring is what `driftflow actions`
prints.

    files    reads and writes text, JSON, JSON Lines and CSV
    process  runs a program, without a shell
"""
