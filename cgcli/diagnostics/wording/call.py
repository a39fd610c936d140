"""Words about the call: commands, options, inputs and their values, outputs, files that are written."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    # commands and options
    "unknown-command": Templates(
        "there is no command `{name}`",
        help=(
            "did you mean `cg {nearest}`?",
            "to evaluate a program say `cg eval {program}`",
            "`cg {lister}` lists the commands",
        ),
    ),
    "command-to-come": Templates("there is no command `{name}` yet", help=("`cg --help` lists those there are",)),
    "unknown-option": Templates(
        "there is no option `{option}` here",
        help=(
            "did you mean `{nearest}`?",
            "an input is given with two dashes: `{long}`",
            "a value follows the name of its input: `--a {number}`",
            "options stand after the command: `{order}`",
            "`{command} --help` lists the options",
        ),
    ),
    "missing-option-value": Templates("the option `{option}` needs a value"),
    "option-takes-no-value": Templates("the option `{option}` takes no value, but `{value}` is given"),
    "repeated-option": Templates("the option `{option}` is given twice"),
    "bad-choice": Templates(
        "`{option}` cannot be `{value}`",
        help=("did you mean `{nearest}`?", "it is one of {choices}"),
    ),
    "bad-count": Templates("`{option}` needs a whole number, at least {least}, but `{value}` is given"),
    "options-exclude": Templates("`{first}` and `{second}` cannot be used together"),
    "list-apart": Templates(
        "`{argument}` stands apart from the names before it", help=("names have commas between them: `{fix}`",)
    ),
    "extra-argument": Templates(
        "`{argument}` is one argument too many",
        help=("to give the input its value say `{fix}`",),
    ),
    "no-program": Templates(
        "no program is given",
        help=(
            "`{option}` is no option: `{file}` was read as the value of an input of that name",
            "name a file, or say `-` for standard input, or give the program itself with `-e 'a^2'`",
        ),
    ),
    "file-and-expression": Templates(
        "both the file `{file}` and `-e` are given",
        help=("leave one of them out",),
    ),
    "no-standard-input": Templates("standard input is closed", help=("name a file in the place of `-`",)),
    "usage": Templates("{message}"),
    "bad-memory": Templates(
        "`{option}` takes an amount of memory, and `{value}` is none", help=("write as in `{option} 500M` or `8G`",)
    ),
    "modes-differ": Templates(
        "the modes differ in `{name}`",
        labels={"here": "static gives {static}, dynamic gives {dynamic}"},
        help=("please report it: this is a bug in cg",),
    ),
    "check-takes-no-values": Templates(
        "`cg check` runs nothing, so it takes no values",
        help=("`--modes` runs the program in both modes and compares them",),
    ),
    "not-yet": Templates("not supported yet: {what}", help=("the kinds of picture are {choices}",)),
    # inputs and their values
    "missing-input-value": Templates(
        "`{option}` has no value",
        help=(
            "did you mean the option `{nearest}`?",
            "a value stands behind it, as in `{option} 2`",
        ),
    ),
    "bad-setting": Templates(
        "`--set {setting}` has no value",
        help=("write the name, `=` and the value, as in `--set a=2`",),
    ),
    "repeated-input": Templates(
        "the input `{name}` is given twice", help=("give it one value, by `--{name}` or `--set`",)
    ),
    "no-option-no-input": Templates(
        "there is no option and no input `{option}`",
        help=(
            "did you mean `{nearest}`?",
            "the inputs are {known}; `{command} --help` lists the options",
            "this {inputless} has no inputs; `{command} --help` lists the options",
        ),
    ),
    "unknown-input": Templates(
        "there is no input `{name}`",
        help=(
            "did you mean `{nearest}`?",
            "it stands in `{file}`",
            "the inputs are {known}",
            "this {inputless} has no inputs",
        ),
    ),
    "missing-inputs": Templates(
        "no value is given for {missing}",
        help=(
            "say `{usage}`",
            "an input that is named like an option of the command ({shadowed}) is given by `--set` only",
            "`e` is an input here, as any name without a definition is; Euler's number is `{euler}`",
        ),
    ),
    "input-type": Templates("`{value}` is not a value for the input `{name}`, which is {wanted}"),
    "outside-range": Templates(
        "the value {value} of `{name}` is outside its range {low}..{high}", labels={"declared": "declared here"}
    ),
    # files of values
    "unknown-inputs-file": Templates(
        "`--inputs {file}`: the kind of file is not known", help=("the name ends in `.json` or `.toml`",)
    ),
    "bad-inputs-file": Templates("`{file}` cannot be read as {kind}: {reason}"),
    "inputs-file-no-table": Templates(
        "`{file}` does not name its values", help=('write them as an object, as in `{{"a": 2, "b": 3}}`',)
    ),
    "inputs-file-repeats": Templates("`{file}` gives `{name}` twice"),
    "inputs-file-number": Templates(
        "line {line} of `{file}`: `{text}` for the input `{name}` is too large for float",
        help=("numbers go up to 1.7e308",),
    ),
    "inputs-file-value": Templates("`{file}` gives the input `{name}` {found}, not a number"),
    "empty-name": Templates(
        "a name is missing in `{option} {value}`", help=("write the names with commas between them: `{option} a,b`",)
    ),
    "check-by-input": Templates("`{name}` is no input, and differences can be taken by inputs only"),
    # outputs
    "unknown-output": Templates(
        "there is no value `{name}` to differentiate",
        help=("did you mean `{nearest}`?", "the named values are {known}"),
    ),
    "unknown-wrt": Templates(
        "there is no value `{name}` to differentiate by",
        help=("did you mean `{nearest}`?", "the named values are {known}"),
    ),
    "several-outputs": Templates(
        "the program has several outputs, and only one can be differentiated", help=("choose by `--of`: {choices}",)
    ),
    "no-float-output": Templates(
        "the program has no float output to differentiate", help=("choose another value by `--of`: {choices}",)
    ),
    "no-derivative-of": Templates(
        "`{name}` is {type}, and only a float has derivatives",
    ),
    "no-derivative-by-input": Templates(
        "`{name}` is {type}, and there are derivatives by floats only",
    ),
    "gradient-differs": Templates(
        "{names} and the differences do not agree",
        help=("at a kink or a jump, or where a value is rounded coarsely, neither of the two has to be wrong",),
    ),
    "gradient-nan-at": Templates(
        "{names} should be what differences say, and is nan",
        labels={"here": "it begins at {text}"},
        help=("a value that vanishes is left out by `where` or `if`, or kept from 0, as in `sqrt(x + 1e-12)`",),
    ),
    "nothing-to-compute": Templates("`{name}` computes nothing", help=("a value that is named is an output: `y = 2`",)),
    # what is written
    "output-failed": Templates("the result cannot be written on standard output: {reason}"),
    "cannot-write": Templates("`{path}` cannot be written: {reason}"),
    "target-is-read": Templates(
        "`{option}` would write over `{path}`, which is read: `{source}`",
        help=("name another file; no command writes over what it reads",),
    ),
    "output-is-read": Templates(
        "standard output goes into a file that is read: `{source}`", help=("send it into another file",)
    ),
    "same-target": Templates("`{first}` and `{second}` would both write `{path}`", help=("name two files",)),
    "unknown-picture": Templates(
        "a picture cannot be written as `{file}`",
        help=("did you mean `{nearest}`?", "the kinds of picture are {choices}"),
    ),
    "file-exists": Templates(
        "`{file}` is already here, and was left as it is", help=("copy into another folder, or remove it first",)
    ),
    # samples and help
    "unknown-sample": Templates(
        "there is no sample `{name}`", help=("did you mean `{nearest}`?", "`cg samples` lists them")
    ),
    "unknown-topic": Templates(
        "there is no help on `{name}`", help=("did you mean `{nearest}`?", "`cg {lister}` lists the topics")
    ),
    # what nobody can mend from here
    "system": Templates("{reason}", help=("it concerns `{name}`",)),
    "out-of-memory": Templates("there is not enough memory"),
    "bug": Templates(
        "this is a bug in cg: {kind}: {message}", help=("please report it; CG_DEBUG=1 shows where it happened",)
    ),
    "no-programs-below": Templates(
        "there is no .cg file in `{folder}` or below it", help=("name the files, or the folder that holds them",)
    ),
    "one-file-only": Templates("`{option}` takes one program at a time", help=("leave out all files but one",)),
    "bad-timeout": Templates(
        "`{option}` is given {value}", labels={}, help=("write a number of seconds above 0, as in `{option} 2.5`",)
    ),
    "no-timeout": Templates(
        "a clock stops a run in the main thread of a process alone", help=("leave out `--timeout`",)
    ),
    "timed-out": Templates(
        "the run is not done after {seconds} s",
        help=("`--timeout` allows more; `--max-steps` stops a loop that never ends, and tells which one it is",),
    ),
    "unknown-backend": Templates("there is no backend `{name}`", help=("the backends are {choices}",)),
}
