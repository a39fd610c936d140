"""Training: what is asked for, checkpoints, and runs that go wrong."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    "needs-option": Templates(
        "`{command}` needs `{option}`", help=("say `cg predict FILE --weights FILE --data TABLE`",)
    ),
    "nothing-to-predict": Templates(
        "the table does not suffice for a single one of {outputs}",
        help=("{missing} has no value", "an output that is one number of many rows needs `--batch-size N`"),
    ),
    "outputs-of-run": Templates(
        "the outputs of a dynamic program are known when it has run", help=("leave `--output` out",)
    ),
    "needs-loss": Templates(
        "nothing says what to make small",
        help=(
            "name it by `--loss NAME`, or by `--residual NAME` what to fit",
            "the outputs that are floats: {choices}",
        ),
    ),
    "residual-and-lm": Templates(
        "`--optimizer {optimizer}` does not go with what is made small",
        help=("`lm` and no other is for a `--residual`; the others take a `--loss`",),
    ),
    "option-of-batches": Templates(
        "`{option}` means nothing to `--optimizer {optimizer}`",
        help=("it takes all rows at every step, and chooses its steps by itself",),
    ),
    "no-resume": Templates(
        "a fit by `{optimizer}` is not taken up again",
        help=("start from what it found by `--weights FILE`",),
    ),
    "needs-validation": Templates(
        "`--patience` waits for validation rows to get better, and there are none",
        help=("keep some of the rows for it by `--validation 0.1`",),
    ),
    "needs-save": Templates(
        "`{option}` is about checkpoints", help=("say where they go by `--save FILE.safetensors`",)
    ),
    "endless-schedule": Templates(
        "the schedule `{schedule}` has to know how many steps there will be",
        help=("give `--epochs` or `--steps` besides `--time`",),
    ),
    "bad-share": Templates(
        "`--validation {value}` leaves nothing to learn from, or nothing to judge by, of {rows} rows",
        help=("give a share between 0 and 1, or a table",),
    ),
    "bad-positive": Templates("`{option} {value}` is no positive number", help=("give one as 0.01 or 1e-3",)),
    "bad-time": Templates("`{option} {value}` is no time", help=("give one as 90s, 5m or 2h",)),
    "bad-decay": Templates(
        "`--weight-decay {value}` is no weight decay", help=("give a number, or one for some parameters as 'W*=0.01'",)
    ),
    "bad-target-kind": Templates(
        "`{option} {path}` is no file of a kind that fits", help=("its name ends in {kinds}",)
    ),
    "no-such-param": Templates(
        "`{option}`: no parameter is named `{name}`", help=("the parameters are {known}", "a pattern is as 'W*'")
    ),
    "unknown-param": Templates(
        "there is no parameter `{name}`", help=("did you mean `{nearest}`?", "the parameters are {known}")
    ),
    "nothing-to-train": Templates(
        "the program has no parameter that may change",
        help=(
            "declare what is to be learnt as `param w: float = 0` in place of {inputs}",
            "`--freeze` keeps {frozen} as they are: leave some of them out",
            "a Python function has no parameters but its arguments: write `{function}` as a .cg program with `param`",
        ),
    ),
    "loss-without-params": Templates(
        "`{name}` does not depend on a parameter that may change", help=("the parameters that may are {params}",)
    ),
    "no-column-fits": Templates(
        "no input takes a column of `{file}`",
        help=("the columns are {columns}, the inputs {inputs}", "`--map INPUT=COLUMN` brings two names together"),
    ),
    "table-no-rows": Templates("the table `{file}` has no rows", help=("there is nothing to learn from",)),
    "table-too-large": Templates(
        "the table `{file}` does not fit into memory: {rows} rows would take more than half of {limit}",
        help=("raise the limit by `--max-memory`, or train on a part of the rows",),
    ),
    "loss-not-finite": Templates(
        "the loss is {value} at step {step}",
        help=("try a smaller `--lr`, or `--clip 1`", "`cg eval FILE --all` shows which value is none"),
    ),
    "gradient-not-finite": Templates(
        "the gradient is {value} at step {step}, while the loss is a number",
        help=("an operation has no derivative there, as sqrt at 0: keep its argument away from that",),
    ),
    "residual-not-finite": Templates(
        "the residual of row {row} is no number at the start", help=("start from other values, by `--NAME VALUE`",)
    ),
    "too-few-residuals": Templates(
        "{residuals} residuals cannot tell {params} parameters apart",
        help=("give at least as many rows, or keep some parameters as they are by `--freeze`",),
    ),
    "one-residual": Templates(
        "`{name}` is one residual alone", help=("give a table, a row a residual, or make it a tensor",)
    ),
    "draw-dynamic": Templates(
        "a dynamic program has no graph before it runs", help=("`cg render FILE` draws that of one run",)
    ),
    "no-matplotlib": Templates(
        "a learning curve needs the library matplotlib", help=("install it by `pip install 'cgcli[plot]'`",)
    ),
    "weights-missing": Templates(
        "`{file}` has no {names}",
        help=("did you mean `{nearest}`?", "it holds {known}", "`cg weights {file}` lists it"),
    ),
    "resume-differs": Templates(
        "`{option}` was {before} when this training began, and is {now} now",
        help=("leave it out to go on as before, or begin anew from `--weights`",),
    ),
    "resume-param": Templates(
        "`{name}` comes from the checkpoint that the run goes on from", help=("leave its value out",)
    ),
    "needs-table": Templates(
        "{missing} has no value, and there is no table",
        help=("give a table to learn from by `--data TABLE`", "or values for all rows: `{usage}`"),
    ),
    "no-checkpoint": Templates(
        "there is no checkpoint `{file}`", help=("`cg train … --save FILE.safetensors` writes one",)
    ),
    "target-live": Templates(
        "another process is writing `{file}` right now",
        help=("wait until it ends, or take another name",),
    ),
    "target-other-run": Templates(
        "`{file}` is a checkpoint of another run",
        help=(
            "go on with that run by `--resume {file}`, take another name, or replace it by `--overwrite`",
            "the checkpoint before `{before}` is kept under this name",
        ),
    ),
    "target-more-steps": Templates(
        "`{file}` is {steps} steps into this run, and what goes on from step {step} would replace it",
        help=(
            "go on from there by `--resume {file}`, take another name, or replace it by `--overwrite`",
            "the checkpoint before `{before}` is kept under this name",
        ),
    ),
    "target-damaged": Templates(
        "`{file}` is a damaged checkpoint, perhaps of another run",
        help=(
            "go on from the one before by `--resume {file}`, take another name, or replace it by `--overwrite`",
            "the checkpoint before `{before}` is kept under this name",
        ),
    ),
    "target-empty": Templates(
        "`{file}` is there already, an empty file",
        help=(
            "take another name, or replace it by `--overwrite`",
            "the checkpoint before `{before}` is kept under this name",
        ),
    ),
    "target-foreign": Templates(
        "`{file}` is there already and is no checkpoint of `cg train`",
        help=(
            "take another name: `--overwrite` replaces checkpoints and metrics alone",
            "the checkpoint before `{before}` is kept under this name",
        ),
    ),
    "metrics-other-run": Templates(
        "`{file}` holds the metrics of another run",
        help=("go on with that run by `--resume CHECKPOINT`, take another name, or replace it by `--overwrite`",),
    ),
    "metrics-foreign": Templates(
        "`{file}` is there already and is no metrics file of `cg train`",
        help=("take another name: `--overwrite` replaces checkpoints and metrics alone",),
    ),
    "checkpoint-kind": Templates("`{file}` is no .safetensors file", help=("parameters are kept in those alone",)),
    "checkpoint-damaged": Templates(
        "`{file}` is damaged: its contents are not what its checksum says", help=("take an earlier checkpoint",)
    ),
    "checkpoint-foreign": Templates(
        "`{file}` is no checkpoint of `cg train`",
        help=("its tensors can still be taken as parameters, by `--weights`",),
    ),
    "checkpoint-version": Templates(
        "`{file}` is a checkpoint of version {found}, and this cg knows version {known}",
        help=("use the version of cg that wrote it",),
    ),
    "checkpoint-before": Templates(
        "going on from `{used}`, the checkpoint before `{file}`", help=("it holds the state after step {step}",)
    ),
    "checkpoint-params": Templates(
        "`{file}` is of a program with other parameters: {difference}",
        help=("go on with the program that it was made with, or begin anew",),
    ),
    "checkpoint-graph": Templates(
        "`{file}` is of a program that computes something else",
        help=("where it was `{before}`, it is `{now}`", "begin anew from its parameters by `--weights`"),
    ),
    "checkpoint-data": Templates(
        "`{file}` was made with other data: {before} rows then, {now} now, or other values in them",
        help=("go on with the same table, or begin anew from its parameters by `--weights`",),
    ),
}
