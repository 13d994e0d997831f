"""Decides what happens in a run; whatever has an effect is passed in.

Decided here: which step is tried when and how often, which input it gets, when the run ends, and
what an interrupt does to the run. Not decided here: how steps run in parallel (`parallel`), what is
kept on file (`recording`), what is printed (`showing`). Without side effects, except `signals`: the
clock, random numbers and sleeping are passed in.

Begin with `events`, then `interpreter`.

    events       what happens in a run, as values; the result of a run, computed from its events
    interpreter  turns a plan into events; waves; the crew that runs one step after the other
    attempts     all tries of one step, and how long to wait between them
    reuse        puts the results of a resumed run among the new ones
    interrupts   decorators for the functions in which a signal may raise an exception
    signals      the first Ctrl-C (or SIGTERM, SIGHUP) interrupts the run, the second one ends the
                 process; only the command uses this, not the library
"""
