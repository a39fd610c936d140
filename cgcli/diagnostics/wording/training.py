"""Training: what is asked for, checkpoints, and runs that go wrong."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    "needs-option": words("`{command}` needs `{option}`", "say `cg predict FILE --weights FILE --data TABLE`"),
    "nothing-to-predict": words(
        "the table does not suffice for a single one of {outputs}",
        "{missing} has no value",
        "an output that is one number of many rows needs `--batch-size N`",
    ),
    "outputs-of-run": words("the outputs of a dynamic program are known when it has run", "leave `--output` out"),
    "needs-loss": words(
        "nothing says what to make small",
        "name it by `--loss NAME`, or by `--residual NAME` what to fit",
        "the outputs that are floats: {choices}",
    ),
    "no-such-setting": words(
        "a fit has no setting `{name}`",
        "did you mean `{nearest}`?",
        "the values of inputs are given in a mapping: `f.fit(table, {{'{start}': 2}})`",
        "the settings are {names}",
    ),
    "residual-and-lm": words(
        "`--optimizer {optimizer}` does not go with what is made small",
        "`lm` and no other is for a `--residual`; the others take a `--loss`",
    ),
    "option-of-batches": words(
        "`{option}` means nothing to `--optimizer {optimizer}`",
        "it takes all rows at every step, and chooses its steps by itself",
    ),
    "needs-shards": words(
        "`--cluster` computes the shards of each batch, and nothing says how many there are",
        "say so by `{usage}`: the result depends on that number, never on the number of workers",
        "the training that `{resumed}` goes on with has none: leave out `--cluster`, or begin anew from `--weights`",
    ),
    "shards-draw": words(
        "a dynamic program that draws random numbers for many rows at once has no shards: each would draw the same",
        "leave out `--shards`, or `--mode dynamic`",
    ),
    "no-resume": words("a fit by `{optimizer}` is not taken up again", "start from what it found by `--weights FILE`"),
    "needs-validation": words(
        "`--patience` waits for validation rows to get better, and there are none",
        "keep some of the rows for it by `--validation 0.1`",
    ),
    "needs-save": words("`{option}` is about checkpoints", "say where they go by `--save FILE.safetensors`"),
    "endless-schedule": words(
        "the schedule `{schedule}` has to know how many steps there will be",
        "give `--epochs` or `--steps` besides `--time`",
    ),
    "bad-share": words(
        "`--validation {value}` leaves nothing to learn from, or nothing to judge by, of {rows} rows",
        "give a share between 0 and 1, or a table",
    ),
    "bad-positive": words("`{option} {value}` is no positive number", "give one as 0.01 or 1e-3"),
    "bad-time": words("`{option} {value}` is no time", "give one as 90s, 5m or 2h"),
    "bad-decay": words(
        "`--weight-decay {value}` is no weight decay", "give a number, or one for some parameters as 'W*=0.01'"
    ),
    "bad-target-kind": words("`{option} {path}` is no file of a kind that fits", "its name ends in {kinds}"),
    "no-such-param": words(
        "`{option}`: no parameter is named `{name}`", "the parameters are {names}", "a pattern is as 'W*'"
    ),
    "unknown-param": words("there is no parameter `{name}`", "did you mean `{nearest}`?", "the parameters are {names}"),
    "nothing-to-train": words(
        "the program has no parameter that may change",
        "declare what is to be learnt as `param w: float = 0` in place of {inputs}",
        "`--freeze` keeps {frozen} as they are: leave some of them out",
        "a Python function has no parameters but its arguments: write `{function}` as a .cg program with `param`",
    ),
    "loss-without-params": words(
        "`{name}` does not depend on a parameter that may change", "the parameters that may are {params}"
    ),
    "no-column-fits": words(
        "no input takes a column of `{file}`",
        "the columns are {columns}, the inputs {inputs}",
        "`--map INPUT=COLUMN` brings two names together",
    ),
    "table-no-rows": words("the table `{file}` has no rows", "there is nothing to learn from"),
    "table-too-large": words(
        "the table `{file}` does not fit into memory: {rows} rows would take more than half of {limit}",
        "raise the limit by `--max-memory`, or train on a part of the rows",
    ),
    "loss-not-finite": words(
        "the loss is {value} at step {step}",
        "try a smaller `--lr`, or `--clip 1`",
        "`cg eval FILE --all` shows which value is none",
    ),
    "gradient-not-finite": words(
        "the gradient is {value} at step {step}, while the loss is a number",
        "an operation has no derivative there, as sqrt at 0: keep its argument away from that",
    ),
    "residual-not-finite": words(
        "the residual of row {row} is no number at the start", "start from other values, by `--NAME VALUE`"
    ),
    "too-few-residuals": words(
        "{residuals} residuals cannot tell {params} parameters apart",
        "give at least as many rows, or keep some parameters as they are by `--freeze`",
    ),
    "one-residual": words("`{name}` is one residual alone", "give a table, a row a residual, or make it a tensor"),
    "draw-dynamic": words("a dynamic program has no graph before it runs", "`cg render FILE` draws that of one run"),
    "no-matplotlib": words("a plot needs the library matplotlib", "install it by `pip install 'cgcli[plot]'`"),
    "weights-missing": words(
        "`{file}` has no {names}", "did you mean `{nearest}`?", "it holds {stored}", "`cg weights {file}` lists it"
    ),
    "resume-differs": words(
        "`{option}` was {before} when this training began, and is {now} now",
        "leave it out to go on as before, or begin anew from `--weights`",
    ),
    "resume-param": words("`{name}` comes from the checkpoint that the run goes on from", "leave its value out"),
    "needs-table": words(
        "{missing} has no value, and there is no table",
        "give a table to learn from by `--data TABLE`",
        "or values for all rows: `{usage}`",
    ),
    "no-checkpoint": words("there is no checkpoint `{file}`", "`cg train … --save FILE.safetensors` writes one"),
    "target-live": words("another process is writing `{file}` right now", "wait until it ends, or take another name"),
    "target-other-run": words(
        "`{file}` is a checkpoint of another run",
        "go on with that run by `--resume {file}`, take another name, or replace it by `--overwrite`",
        "the checkpoint before `{before}` is kept under this name",
    ),
    "target-more-steps": words(
        "`{file}` is {steps} steps into this run, and what goes on from step {step} would replace it",
        "go on from there by `--resume {file}`, take another name, or replace it by `--overwrite`",
        "the checkpoint before `{before}` is kept under this name",
    ),
    "target-damaged": words(
        "`{file}` is a damaged checkpoint, perhaps of another run",
        "go on from the one before by `--resume {file}`, take another name, or replace it by `--overwrite`",
        "the checkpoint before `{before}` is kept under this name",
    ),
    "target-empty": words(
        "`{file}` is there already, an empty file",
        "take another name, or replace it by `--overwrite`",
        "the checkpoint before `{before}` is kept under this name",
    ),
    "target-foreign": words(
        "`{file}` is there already and is no checkpoint of `cg train`",
        "take another name: `--overwrite` replaces checkpoints and metrics alone",
        "the checkpoint before `{before}` is kept under this name",
    ),
    "metrics-other-run": words(
        "`{file}` holds the metrics of another run",
        "go on with that run by `--resume CHECKPOINT`, take another name, or replace it by `--overwrite`",
    ),
    "metrics-unnamed": words("`--metrics` needs the name of a file, and `-` is none", "name one: `--metrics m.jsonl`"),
    "metrics-foreign": words(
        "`{file}` is there already and is no metrics file of `cg train`",
        "take another name: `--overwrite` replaces checkpoints and metrics alone",
    ),
    "checkpoint-kind": words("`{file}` is no .safetensors file", "parameters are kept in those alone"),
    "checkpoint-damaged": words(
        "`{file}` is damaged: its contents are not what its checksum says", "take an earlier checkpoint"
    ),
    "checkpoint-foreign": words(
        "`{file}` is no checkpoint of `cg train`", "its tensors can still be taken as parameters, by `--weights`"
    ),
    "checkpoint-version": words(
        "`{file}` is a checkpoint of version {version}, and this cg knows version {supported}",
        "use the version of cg that wrote it",
    ),
    "checkpoint-before": words(
        "going on from `{used}`, the checkpoint before `{file}`", "it holds the state after step {step}"
    ),
    "checkpoint-params": words(
        "`{file}` is of a program with other parameters: {difference}",
        "go on with the program that it was made with, or begin anew",
    ),
    "checkpoint-graph": words(
        "`{file}` is of a program that computes something else",
        "where it was `{before}`, it is `{now}`",
        "begin anew from its parameters by `--weights`",
    ),
    "checkpoint-data": words(
        "`{file}` was made with other data: {before} rows then, {now} now, or other values in them",
        "go on with the same table, or begin anew from its parameters by `--weights`",
    ),
}
