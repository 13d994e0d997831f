"""The plan: what will be done, and in what order, as an immutable value.

Decided here: the run order, the defaults, what an input may refer to, where a setting comes from,
and the digest that recognises the same plan when a run is resumed. Not decided here: whether a
document is valid (`schemas`, `checking`), and what happens in a run (`running`). Begin with `plan`.

    plan        turns a valid document into a plan; run order and digest
    references  inputs: data, and references to the outputs of steps and to parameters
    settings    flags, time limit, waits between attempts, and the options of whoever starts a run
"""
