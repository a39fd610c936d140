"""Words about the call: commands, options, inputs and their values, outputs, files that are written."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    # commands and options
    "unknown-command": words(
        "there is no command `{name}`",
        "did you mean `cg {nearest}`?",
        "to evaluate a program say `cg eval {program}`",
        "`cg {lister}` lists the commands",
    ),
    "unknown-option": words(
        "there is no option `{option}` here",
        "did you mean `{nearest}`?",
        "an input is given with two dashes: `{long}`",
        "a value follows the name of its input: `--a {number}`",
        "options stand after the command: `{order}`",
        "`{command} --help` lists the options",
    ),
    "missing-option-value": words("the option `{option}` needs a value"),
    "option-takes-no-value": words("the option `{option}` takes no value, but `{value}` is given"),
    "repeated-option": words("the option `{option}` is given twice"),
    "bad-choice": words("`{option}` cannot be `{value}`", "did you mean `{nearest}`?", "it is one of {choices}"),
    "bad-count": words("`{option}` needs a whole number, at least {least}, but `{value}` is given"),
    "large-count": words("`{option}` is a whole number of at most {digits} digits, but `{value}` is given"),
    "options-exclude": words("`{first}` and `{second}` cannot be used together"),
    "list-apart": words(
        "`{argument}` stands apart from the names before it", "names have commas between them: `{fix}`"
    ),
    "extra-argument": words("`{argument}` is one argument too many", "to give the input its value say `{fix}`"),
    "no-program": words(
        "no program is given",
        "`{option}` is no option: `{file}` was read as the value of an input of that name",
        "name a file, or say `-` for standard input, or give the program itself with `-e 'a^2'`",
    ),
    "file-and-expression": words("both the file `{file}` and `-e` are given", "leave one of them out"),
    "no-standard-input": words("standard input is closed", "name a file in the place of `-`"),
    "usage": words("{message}"),
    "bad-memory": words(
        "`{option}` takes an amount of memory, and `{value}` is none", "write as in `{option} 500M` or `8G`"
    ),
    "modes-differ": words(
        "the modes differ in `{name}`",
        "please report it: this is a bug in cg",
        here="static gives {static}, dynamic gives {dynamic}",
    ),
    "check-takes-no-values": words(
        "`cg check` runs nothing, so it takes no values", "`--modes` runs the program in both modes and compares them"
    ),
    "bad-port": words("`{option}` takes the number of a port, from 1 to 65535, not `{value}`"),
    "port-unusable": words(
        "the port {port} cannot be used: {reason}", "take another, or leave `--port` out: then it is a free one"
    ),
    "live-needs-file": words("`cg live` needs a file to follow", "name one: `cg live f.cg`"),
    "run-without-page": words(
        "the run ended with status {status} and made no page", "`cg render FILE -o page.html` makes it alone"
    ),
    # plots
    "bad-range": words(
        "`--over {value}` is no input with a range", "write the input and its ends, as in `--over x=-3..3`"
    ),
    "one-or-two-inputs": words(
        "a plot is over one input or over two, but {count} are given",
        "name one with its range: `--over {name}=-3..3`",
        "this {inputless} has no input that is a number",
    ),
    "input-twice-over": words("`--over` names the input `{name}` twice"),
    "no-number-to-vary": words(
        "`{name}` is {type}, and a plot is over inputs that are one number, float or int",
        "those of this program are {names}",
    ),
    "needs-range": words(
        "the declaration of `{name}` has no range to plot over", "say from where to where: `--over {name}=-3..3`"
    ),
    "empty-range": words(
        "`{name}` cannot run from {low} to {high}",
        "did you mean `--over {swapped}`?",
        "the ends are two finite numbers, the lower one first, less than 1.8e308 apart",
    ),
    "too-large-plot": words(
        "{count} points of each input are too many to plot",
        "`--points` is {limit} at most, of each of two inputs {limit_of_two}",
    ),
    "nothing-to-plot": words("`{name}` is {type}; a plot shows numbers and the norms of float tensors"),
    "one-value-of-two-inputs": words(
        "over two inputs one value is drawn, and there are several", "choose by `--of`: {choices}"
    ),
    "plot-by-tensor": words(
        "`{name}` is {type}: a plot shows derivatives by single numbers", "leave it out of `--wrt`"
    ),
    "path-of-two": words(
        "`--metrics` draws the path of a training through two parameters", "name both, each by an `--over` of its own"
    ),
    "no-path-in-metrics": words(
        "no line of `{file}` has values of {names}",
        "`cg train --metrics` writes those of the parameters that it finds",
    ),
    # inputs and their values
    "missing-input-value": words(
        "`{option}` has no value",
        "did you mean the option `{nearest}`?",
        "a value stands behind it, as in `{option} 2`",
    ),
    "bad-setting": words("`--set {setting}` has no value", "write the name, `=` and the value, as in `--set a=2`"),
    "repeated-input": words("the input `{name}` is given twice", "give it one value, by `--{name}` or `--set`"),
    "no-option-no-input": words(
        "there is no option and no input `{option}`",
        "did you mean `{nearest}`?",
        "the inputs are {names}; `{command} --help` lists the options",
        "this {inputless} has no inputs; `{command} --help` lists the options",
    ),
    "unknown-input": words(
        "there is no input `{name}`",
        "did you mean `{nearest}`?",
        "it stands in `{file}`",
        "the inputs are {names}",
        "this {inputless} has no inputs",
    ),
    "missing-inputs": words(
        "no value is given for {missing}",
        "say `{usage}`",
        "an input that is named like an option of the command ({shadowed}) is given by `--set` only",
        "`e` is an input here, as any name without a definition is; Euler's number is `{euler}`",
    ),
    "input-type": words("`{value}` is not a value for the input `{name}`, which is {type}"),
    "outside-range": words(
        "the value {value} of `{name}` is outside its range {low}..{high}", declared="declared here"
    ),
    # files of values
    "unknown-inputs-file": words(
        "`--inputs {file}`: the kind of file is not known", "the name ends in `.json` or `.toml`"
    ),
    "bad-inputs-file": words("`{file}` cannot be read as {kind}: {reason}"),
    "inputs-file-no-table": words(
        "`{file}` does not name its values", 'write them as an object, as in `{{"a": 2, "b": 3}}`'
    ),
    "inputs-file-repeats": words("`{file}` gives `{name}` twice"),
    "inputs-file-number": words(
        "line {line} of `{file}`: `{text}` for the input `{name}` is too large for float", "numbers go up to 1.7e308"
    ),
    "inputs-file-value": words("`{file}` gives the input `{name}` {kind}, not a number"),
    "empty-name": words(
        "a name is missing in `{option} {value}`", "write the names with commas between them: `{option} a,b`"
    ),
    "check-by-input": words("`{name}` is no input, and differences can be taken by inputs only"),
    # outputs
    "unknown-output": words(
        "there is no value `{name}` to differentiate", "did you mean `{nearest}`?", "the named values are {names}"
    ),
    "no-such-output": words(
        "the program has no value `{name}`", "did you mean `{nearest}`?", "the named values are {names}"
    ),
    "unknown-wrt": words(
        "there is no value `{name}` to differentiate by", "did you mean `{nearest}`?", "the named values are {names}"
    ),
    "several-outputs": words(
        "the program has several outputs, and only one can be differentiated", "choose by `--of`: {choices}"
    ),
    "no-float-output": words(
        "the program has no float output to differentiate", "choose another value by `--of`: {choices}"
    ),
    "no-derivative-of": words("`{name}` is {type}, and only a float has derivatives"),
    "no-derivative-by-input": words("`{name}` is {type}, and there are derivatives by floats only"),
    "gradient-differs": words(
        "{names} and the differences do not agree",
        "at a kink or a jump, or where a value is rounded coarsely, neither of the two has to be wrong",
    ),
    "gradient-nan-at": words(
        "{names} should be what differences say, and is nan",
        "a value that vanishes is left out by `where` or `if`, or kept from 0, as in `sqrt(x + 1e-12)`",
        here="it begins at {text}",
    ),
    "nothing-to-compute": words("`{name}` computes nothing", "a value that is named is an output: `y = 2`"),
    # what is written
    "output-failed": words("the result cannot be written on standard output: {reason}"),
    "cannot-write": words("`{path}` cannot be written: {reason}"),
    "target-is-read": words(
        "`{option}` would write over `{path}`, which is read: `{source}`",
        "name another file; no command writes over what it reads",
    ),
    "output-is-read": words("standard output goes into a file that is read: `{source}`", "send it into another file"),
    "same-target": words("`{first}` and `{second}` would both write `{path}`", "name two files"),
    "unknown-picture": words(
        "a picture cannot be written as `{file}`", "did you mean `{nearest}`?", "the kinds of picture are {choices}"
    ),
    "file-exists": words(
        "`{file}` is already here, and was left as it is", "copy into another folder, or remove it first"
    ),
    # samples and help
    "unknown-sample": words("there is no sample `{name}`", "did you mean `{nearest}`?", "`cg samples` lists them"),
    "unknown-topic": words(
        "there is no help on `{name}`", "did you mean `{nearest}`?", "`cg {lister}` lists the topics"
    ),
    # what nobody can mend from here
    "system": words("{reason}", "it concerns `{name}`"),
    "out-of-memory": words("there is not enough memory"),
    "bug": words("this is a bug in cg: {kind}: {message}", "please report it; CG_DEBUG=1 shows where it happened"),
    "no-programs-below": words(
        "there is no .cg file in `{folder}` or below it", "name the files, or the folder that holds them"
    ),
    "one-file-only": words("`{option}` takes one program at a time", "leave out all files but one"),
    "bad-timeout": words("`{option}` is given {value}", "write a number of seconds above 0, as in `{option} 2.5`"),
    "no-timeout": words("a clock stops a run in the main thread of a process alone", "leave out `--timeout`"),
    "timed-out": words(
        "the run is not done after {seconds} s",
        "`--timeout` allows more; `--max-steps` stops a loop that never ends, and tells which one it is",
    ),
    "no-machine-code": words(
        "there is no machine code for {what}", "leave out `--backend`: cg then takes the backend that suits"
    ),
    "no-compiler": words("machine code needs the package llvmlite", "install it with `pip install llvmlite`"),
    "unknown-backend": words("there is no backend `{name}`", "the backends are {choices}"),
}
