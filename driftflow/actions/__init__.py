"""The actions that steps can name, and where their code comes from.

A config only supplies data: it names an action, and the operator says which code may be loaded.
Decided here: what an action is, which function implements it, how code is loaded, and the error
when that fails. Not decided here: when an action is called and how often (`running`), what a JSON
Schema means (`schemas`), and the warning about an unknown action (`checking.warnings`). Begin with
`action`; a run that uses only built-in actions imports nothing else from here.

    action      what an action is; the built-in ones; how its function is called once
    registry    maps names to actions, and refuses a name that is already taken
    sources     loads the modules, files and functions that the operator gives
    by_path     finds the modules that are given by their paths, in any process
    beside      lets them import what lies beside them
    provenance  the files, packages and modules of actions, to be recorded
    elsewhere   lets another process find the same actions as the one that began the run
"""
