"""Runs steps in parallel, in threads, processes or a cluster; and ends attempts that take too long.

Decided here: how steps are sent to workers and come back, what becomes of steps in progress when
the run is interrupted or a worker is lost, and how an attempt is ended when its time is up. Not
decided here: which steps may run at the same time, and how an outcome affects the run (`running`).
A run of one step after the other without time limits imports nothing from here.

Begin with the docstring of `crew`.

    wiring      connects these parts for a run
    crew        runs many steps of a wave at once, on any executor
    batches     how many steps are sent to a worker together, and which are sent again
    reordering  holds outcomes back, so that they are given in run order
    worker      runs a batch in a thread, in a process or on another machine
    deadlines   makes each attempt in a child process, and kills that when its time is up
    child       the code that runs in such a child process
    processes   kills a process with all that it has started
    dask        a Dask cluster as an executor
"""
