"""The actions: what steps can name, and where it comes from.

The config chooses data, the operator chooses code: a config names an action, never a module.
Decided here: what an action is, which function stands behind a name, how code is loaded, and what
is said when it cannot be. Not decided here: when an action is performed and how often (`running`),
and what a schema says (`schemas`). Begin with `action`; built-in actions need nothing else.

    action    what an action is; the built-in ones; how one attempt is made
    registry  all actions of a run by name, each name once
    sources   modules, files and functions that the operator gives, loaded
"""
