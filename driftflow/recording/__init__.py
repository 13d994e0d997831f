"""The audit: what is stored about a run, and how it is written and read.

Decided here: what a record holds, when it is written and flushed to the disk, which earlier run can
be resumed, and which others belong to it. Not decided here: what happens in a run (`running`), what
a resumed run keeps (`resuming`), and whether there is an audit (the flag `audit`,
`planning.settings`). Begin with `audit`; `records` decides which fields a record has, and
`schema/audit.schema.json` publishes them.

    audit     writes each event of a run to the file before the run continues
    records   turns an event into a line of the file, and a line into a record
    storage   the file as it is written: locks, appends, syncs
    files     the file as the system has it: opens it, and makes sure that it is an audit
    reader    the file as it is read: from its end, and without the records of other runs
    history   finds the run that can be resumed, and the newest that is on record of each step
    closing   appends the end of a run that was killed
"""
