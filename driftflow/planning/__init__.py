"""The plan: an immutable value that says what will be done, and in what order.

Decided here: the graph and the run order, the defaults, the forms of a reference, whether a setting
comes from the config, the environment or a default, and the key by which a later run knows that a
step asks for the same. Not decided here: whether a document is valid (`schemas`), whether a
reference holds (`checking.references`), and what happens in a run (`running`). Begin with `plan`.

    plan        turns a valid document into a plan; run order and digest
    graph       what each step comes after; the run order; circles
    references  how references are written: a row for each kind of them
    values      data and references, frozen; what they stand for as far as a run has come
    pointers    JSON Pointers: where something is in a value
    parameters  the parameters that a config declares, and what is given for them
    conditions  why a step is not tried: its condition, or what it reads
    uses        makes one flat document of a config and the files that it uses
    settings    the values of flags, time limit, backoff, and of the operator's options; `arguments`
                names those options, `running.attempts` computes the waits
"""
