"""Who performs the steps, side by side: threads, processes, a cluster.

Decided here: how steps are sent to workers and come back, what an interrupt or the loss of a worker
does to those under way, and how an attempt is ended when its time is up. Not decided here: which
steps may run at the same time, and what an outcome means to the run (`running`). No module here is
imported by a run that tries one step at a time without deadlines.

Begin with the header of `crew`.

    wiring      puts the parts together for a run
    crew        works through the waves, many steps at once
    batches     how many steps are sent together, and what is sent again
    reordering  keeps outcomes until it is their turn
    worker      what is done with a batch, wherever that is
    deadlines   attempts that are ended when time is up, each in a child process
    child       what runs in such a process
    processes   ends a process with all that it has started
    dask        a Dask cluster as an executor
"""
