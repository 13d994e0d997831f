"""Decides what happens in a run.

Decided here: which steps may run at the same time, how often a step is tried, which values it gets
for its references, when the run ends, and what an interrupt does to the run. Not decided here: the
run order (`planning.plan`), how steps run in parallel (`parallel`), what is kept on file
(`recording`), what is printed (`showing`). Nothing here but `signals` has side effects: the clock,
random numbers and sleeping are passed in.

Begin with `events`, then `interpreter`.

    events       the types of events; the function that computes a run's result from its events
    interpreter  turns a plan into events, wave by wave; the crew that runs one step after the other
    attempts     all attempts at one step, and how long to wait between them
    reuse        puts the results that a resumed run keeps among the new ones
    interrupts   decorators that mark the functions which a signal may interrupt
    signals      the first Ctrl-C (or SIGTERM, SIGHUP) interrupts the run, the second one ends the
                 process; the command uses this, the library does not
"""
