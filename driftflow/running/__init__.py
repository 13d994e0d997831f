"""Decides what happens in a run.

Decided here: which steps may run at the same time, how often a step is tried, which values it gets
for its references, when the run ends, and what an interrupt does to the run. Not decided here: the
run order (`planning.plan`), how steps run in parallel (`parallel`), what is kept on file
(`recording`), what is printed (`showing`). Nothing here but `signals` has side effects: the clock,
random numbers and sleeping are passed in.

Begin with `events`, then `interpreter`.

    events       the types of events, and of a run's result
    interpreter  turns a plan into events; the crew that runs one step after the other
    schedule     which step may start next, one after the other; how far a run gets after a failure
    foregone     the steps that are done without being tried: kept, or skipped
    waves        which steps may start next, several at a time
    attempts     all attempts at one step, and how long to wait between them
    ordering     puts what happened into run order; computes a run's result from its events
    interrupts   decorators that mark the functions which a signal may interrupt
    signals      the first Ctrl-C (or SIGTERM, SIGHUP) interrupts the run, the second one ends the
                 process; the command uses this, the library does not
"""
