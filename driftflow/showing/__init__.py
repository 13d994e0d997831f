"""The output for people and programs, about runs, plans, actions and issues.

Decided here: the look of every line, table, report and JSON document that DriftFlow prints, and how
it gets to stdout. Not decided here: what happened (`running`), which issues there are (`reading`,
`schemas`, `checking`), and which characters are escaped (`text`). Only `output` has side effects.
Begin with `results`.

    results  the line that is printed for each step, and the JSON document of a run
    attempts what `--verbose` and `--traceback` print about attempts that failed
    tables   what `plan` and `actions` print
    parameters what `plan --params` prints
    pictures the graph of a plan, for Mermaid and Graphviz
    reports  what `check` prints, and what a command prints when it refuses a config
    output   writes lines to stdout, the first ones at once, later ones in blocks
"""
