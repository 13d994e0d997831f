"""The packs: actions that ship with DriftFlow and are off until the operator asks for one.

`--actions driftflow.packs.files` asks for a pack; no config can. A pack is a module of actions as
any user could write it, by `@driftflow.action`: nothing else of DriftFlow imports it. Decided here:
what these actions take, do and give. Not decided here: how they are found and performed
(`actions`), and how a program and all it has started are ended (`parallel.processes`). Begin with
any action: its schema says what it takes, its docstring is what `driftflow actions` prints.

    files    reads and writes text, JSON, JSON Lines and CSV
    process  runs a program, without a shell
"""
