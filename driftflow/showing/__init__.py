"""The output for people and programs, about runs, plans, actions and issues.

Decided here: the look of every line, table, report and document that DriftFlow prints, and how it
gets to stdout. Not decided here: what happened (`running`), what was found (`checking`), and which
characters are escaped (`text`). Without side effects, except `output`. Begin with `results`.

    results  the line of a step, and the document of a run
    tables   what `plan` and `actions` print
    reports  what `check` prints, and the errors for which a config is refused
    output   collects lines and writes them to stdout in blocks
"""
