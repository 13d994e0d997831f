"""What people and programs see: of a run, of a plan, of actions, of findings.

Decided here: the look of every line, table, report and document that DriftFlow prints, and how it
gets to stdout. Not decided here: what happened (`running`) and what was found (`checking`). All of
it is pure, but for `output`. Begin with `results`, the line of a step and the document of a run.

    results  the events and the result of a run
    tables   what `plan` and `actions` print
    reports  the findings of `check`, and what refuses a config
    output   writes to stdout, many lines at a time
"""
