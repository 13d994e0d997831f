"""The checks of a config: errors, and warnings about what its author may not expect.

Decided here: which references are invalid, what is ignored or cannot succeed (an unknown action, a
wrong input), and which input values a report may show. Not decided here: what is JSON (`reading`),
what the schema says is wrong (`schemas.explanation`), how issues look (`showing.reports`).
`driftflow/config.py` calls all of these in order. Begin with `warnings`.

    acceptor    says whether a document satisfies the schema; made by `make acceptor`, not edited
    references  errors: references to steps that do not exist or run later, or to no parameter
    warnings    a function for each kind: ignored fields, unknown actions, wrong inputs, equal names
    redaction   removes the inputs of sensitive steps from what was found

Issues are made with JSON paths; `reading.positions` finds their lines and columns afterwards.
"""
