"""The actions that steps can name, and where their code comes from.

A config only supplies data: it names an action, and the operator says which code may be loaded.
Decided here: what an action is, which function implements it, how code is loaded, and the error
message when it cannot be. Not decided here: when an action is called and how often (`running`), and
what a JSON Schema means (`schemas`). Begin with `action`, which is all that a run with built-in
actions imports.

    action    what an action is; the built-in ones; how one attempt is made
    registry  maps names to actions, and refuses a name that is there already
    sources   loads the modules, files and functions that the operator gives
    elsewhere finds the actions of a run in another process
"""
