"""What happens in a run: decided here, and done by whom the doors pass in.

Decided here: which step is tried when and how often, what it is handed, when the run ends, and what
an interrupt does to it. Not decided here: who performs (`parallel`), what is kept on file
(`recording`), what is printed (`showing`). Pure, but for `signals`: time, chance and waits are
passed in.

Begin with `events`, then `interpreter`.

- `events`: what happens in a run, as values; the result of a run as a fold of them
- `interpreter`: a plan becomes events, through a crew; waves; the crew of one
- `attempts`: all tries of one step, and the waits between them
- `reuse`: a run that takes up an earlier one
- `interrupts`: the marks of functions in which an interrupt may be raised
- `signals`: a user's signals become interrupts, for the command alone
"""
