"""The findings about one config: errors, and warnings about what will surprise.

Decided here: which references do not hold, what is ignored or cannot succeed, what a report may
quote. Not here: what is JSON (`reading`), what the schema says is wrong (`schemas.explanation`),
how findings look (`showing.reports`). Who asks for all of it, in order, is the door `config`.

Begin with `warnings`: each kind of warning is a function.

    acceptor    says yes to a document that satisfies the schema; compiled, not to be edited
    references  errors: steps that are not there or run later, parameters that are not given
    warnings    fields that are ignored, steps that cannot succeed, names that stand twice
    redaction   the findings without the inputs of sensitive steps

Each gives issues with paths; `reading.positions` finds their lines and columns afterwards.
"""
