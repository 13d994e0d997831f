"""Runs steps in parallel, in threads, processes or a cluster; and ends attempts that take too long.

Decided here: how steps are sent to workers and come back, what becomes of them when the run is
interrupted or a worker is lost, and how an attempt is ended when its time is up. Not decided here:
which steps may run at the same time, and what the failure of a step means to the run
(`running.interpreter`). A sequential run without time limits imports nothing from here.

Begin with the docstring of `crew`. An executor is any `concurrent.futures.Executor`.

    wiring      builds the crew, the workers and the deadlines of a run, and connects them
    crew        the parallel crew: runs many steps at once, on threads or on an executor
    threads     the threads of a run, which take steps from a queue
    batches     sends steps to any executor, tiny ones together; what it loses is sent again
    replies     what workers tell the run, from their threads
    pace        how many tiny steps are sent ahead
    worker      runs a batch in a thread, in a process or on another machine
    deadlines   makes each attempt in a child process, and kills the child when the time is up
    child       the code that runs in such a child process
    processes   ends a program with all that it has started
    descendants finds and ends what a process has started
    supervisor  a process that waits for the command, and ends as it does
    dask        a Dask cluster as an executor
"""
