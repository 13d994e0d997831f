"""What a resumed run keeps of earlier ones, and what it does again.

make's rule, by the order of the record instead of the time of files: a step is up to date if its
newest record is ok and asks for the same, and if all that it comes after is up to date and was done
before it began. Decided here: which steps these are, and why the others are not; which outputs have
to be fetched since the record does not have them whole; and what that changes as they come in.
Not decided here: which runs belong together and what their records say (`recording`), when a step
takes its turn (`running`), and how a decision is told (`showing`). Pure. Begin with `decision`.

    past       what is on record of earlier runs
    decision   decides for each step: kept, done again, or done again if an output is another
    kept       the steps that are kept, as far as the run has come
    code       finds the code that has changed since
"""
